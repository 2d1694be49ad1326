import { describe, expect, it } from 'vitest';
import { forgetDrafts, useDraft } from '../../../web/composables/use-draft.ts';

/** A tab's storage. */
function tab(kept = new Map<string, string>()) {
  return {
    kept,
    storage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    },
  };
}
const START = { name: '', badge: null as string | null, roles: [] as { role: string }[], password: '' };
type Form = typeof START;
const open = ({ storage }: ReturnType<typeof tab>, start: Form = START, key = 'person.new') =>
  useDraft<Form>(key, start, { storage, leaveOut: ['password'] });

describe('a form’s draft', () => {
  it('is there again after a reload, lists and emptied fields too, and only in its own form', () => {
    const one = tab();
    const { form, restored } = open(one);
    expect(restored.value).toBe('no');
    form.name = '张三';
    form.badge = '330122';
    form.roles.push({ role: 'operator' });
    const again = open(one);
    expect(again.restored.value).toBe('yes');
    expect(again.form).toEqual({ ...START, name: '张三', badge: '330122', roles: [{ role: 'operator' }] });
    again.form.badge = null;
    expect(open(one).form.badge).toBe(null);
    expect(open(one, START, 'person.pe-1').form.name).toBe('');
  });

  it('keeps no password, not even for a moment', () => {
    const one = tab();
    const { form } = open(one);
    form.password = 'correct horse battery';
    expect(one.kept.size).toBe(0);
    form.name = '张三';
    expect([...one.kept.values()].join('')).not.toContain('horse');
    expect(open(one).form.password).toBe('');
  });

  it('is gone once it is saved, discarded, or back at where it began', () => {
    const one = tab();
    const first = open(one);
    first.form.name = 'a';
    first.saved();
    first.form.name = 'b'; // the form is being closed
    expect(one.kept.size).toBe(0);
    const second = open(one);
    second.form.name = 'c';
    second.discard();
    expect(second.form.name).toBe('');
    expect(one.kept.size).toBe(0);
    second.form.name = 'd';
    second.form.name = '';
    expect(one.kept.size).toBe(0);
  });

  it('says when what it began from has changed since, and never changes what it was given', () => {
    const one = tab();
    open(one, { ...START, name: '李四' }).form.name = '李四四';
    const later = { ...START, name: '李四', badge: '7' };
    const again = open(one, later);
    expect(again.restored.value).toBe('older');
    expect(again.form.name).toBe('李四四');
    expect(later).toEqual({ ...START, name: '李四', badge: '7' });
    again.discard();
    expect(again.form).toEqual(later);
  });

  it('brings back what was typed and nothing else: the rest is as it is now, unless it belongs together', () => {
    const one = tab();
    open(one, { ...START, name: '李四', badge: '7' }).form.name = '李四四';
    const later = { ...START, name: '李五', badge: '8' };
    expect(open(one, later).form).toEqual({ ...later, name: '李四四' });
    const whole = useDraft<Form>('person.new', later, { storage: one.storage, asOne: true });
    expect(whole.form).toEqual({ ...later, name: '李四四', badge: '7' });
  });

  it('can begin from something newer while it is typed into, and is kept as of that', () => {
    const one = tab();
    const { form, touched, differing, rebase, discard } = open(one, { ...START, name: '李四', badge: '7' });
    form.name = '李四四';
    const later = { ...START, name: '李五', badge: '8' };
    expect([touched(), differing(later)]).toEqual([['name'], ['name', 'badge']]);
    rebase(later);
    expect(form).toEqual({ ...later, name: '李四四' });
    expect([touched(), open(one, later).restored.value]).toEqual([['name'], 'yes']);
    discard();
    expect(form).toEqual(later);
    expect(one.kept.size).toBe(0);
  });

  it('takes over from an older form only what fits, and survives what is not a draft', () => {
    const one = tab();
    const kept = { from: '{}', form: { name: 5, gone: 'x', roles: 'no list', badge: '8' } };
    one.kept.set('fieldhub.draft.person.new', JSON.stringify(kept));
    expect(open(one).form).toEqual({ ...START, badge: '8' });
    for (const broken of ['{', 'null', '[]', '{"from":"{}","form":[]}']) {
      one.kept.set('fieldhub.draft.person.new', broken);
      expect(open(one).form).toEqual(START);
    }
  });

  it('works where nothing can be kept', () => {
    const storage = {
      ...tab().storage,
      setItem: () => {
        throw new Error('QuotaExceededError');
      },
    };
    const { form } = useDraft<Form>('person.new', START, { storage });
    form.name = '张三';
    expect(form.name).toBe('张三');
  });

  it('leaves with whoever signs out; what else is kept stays', () => {
    const kept = new Map([
      ['fieldhub.draft.a', '1'],
      ['fieldhub.theme', 'light'],
      ['fieldhub.draft.b', '2'],
    ]);
    const storage = {
      ...tab(kept).storage,
      length: kept.size,
      key: (at: number) => [...kept.keys()][at] ?? null,
      clear: () => kept.clear(),
    };
    forgetDrafts(storage);
    expect([...kept.keys()]).toEqual(['fieldhub.theme']);
  });
});
