import { createPinia } from 'pinia';
import { createApp } from 'vue';
import { z } from 'zod';
import App from './App.vue';
import { i18n } from './i18n.ts';
import { router } from './router.ts';
import './styles.css';

// zod tries whether it may compile; our content security policy says no, and the browser would log it
z.config({ jitless: true });
createApp(App).use(createPinia()).use(i18n).use(router).mount('#app');
