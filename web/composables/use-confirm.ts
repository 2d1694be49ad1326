import { ElMessageBox } from 'element-plus';
import { useI18n } from 'vue-i18n';

/** Asks before something that cannot be undone; `action` is what its button says. Whether it shall be. */
export function useConfirm(): (title: string, text: string, action: string) => Promise<boolean> {
  const { t } = useI18n();
  return (title, text, action) =>
    ElMessageBox.confirm(text, title, {
      type: 'warning',
      confirmButtonText: action,
      cancelButtonText: t('app.cancel'),
      confirmButtonClass: 'el-button--danger',
    }).then(
      () => true,
      () => false,
    );
}
