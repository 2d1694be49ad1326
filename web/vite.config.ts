import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

const hub = 'http://127.0.0.1:3000';

export default defineConfig({
  plugins: [vue()],
  define: { __VUE_I18N_FULL_INSTALL__: false, __VUE_I18N_LEGACY_API__: false, __INTLIFY_PROD_DEVTOOLS__: false },
  build: { target: ['es2022', 'safari17', 'chrome110'], chunkSizeWarningLimit: 1200 },
  server: { proxy: { '/api': hub, '/hls': hub, '/ca.crt': hub, '/socket.io': { target: hub, ws: true } } },
});
