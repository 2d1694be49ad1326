import { createRouter, createWebHistory } from 'vue-router';

/** Each page is a chunk of its own: the phone's page carries nothing of the console. */
export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', component: () => import('./pages/HomePage.vue') },
    { path: '/console', component: () => import('./pages/HomePage.vue') },
    { path: '/console/:operationId', component: () => import('./pages/ConsolePage.vue'), props: true },
    { path: '/review/:operationId', component: () => import('./pages/ReviewPage.vue'), props: true },
    { path: '/operations/new', component: () => import('./pages/OperationPage.vue') },
    { path: '/operations/:operationId', component: () => import('./pages/OperationPage.vue'), props: true },
    { path: '/cases', component: () => import('./pages/CasesPage.vue') },
    { path: '/cases/new', component: () => import('./pages/CasePage.vue') },
    { path: '/cases/:caseId', component: () => import('./pages/CasePage.vue'), props: true },
    { path: '/people', component: () => import('./pages/PeoplePage.vue') },
    { path: '/account', component: () => import('./pages/AccountPage.vue') },
    { path: '/custody', component: () => import('./pages/CustodyPage.vue') },
    { path: '/capture', component: () => import('./pages/CapturePage.vue') },
    { path: '/shot-lists', component: () => import('./pages/ShotListsPage.vue') },
    { path: '/devices', component: () => import('./pages/DevicesPage.vue') },
    { path: '/devices/:deviceId', component: () => import('./pages/DevicePage.vue'), props: true },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
});
