import { defineStore } from 'pinia';
import { ref } from 'vue';
import { Me } from '../../server/protocol/people.ts';
import { api, ApiFailure } from './api.ts';

/** Whether this browser may use the console; beyond loopback the hub asks for its start-up secret. */
export const useSession = defineStore('session', () => {
  const state = ref<'unknown' | 'open' | 'locked' | 'unreachable'>('unknown');

  async function check(): Promise<Me> {
    try {
      const session = await api(Me, 'GET', '/session');
      state.value = 'open';
      return session;
    } catch (error) {
      if (error instanceof ApiFailure && error.code === 'unauthorized') state.value = 'locked';
      else if (state.value !== 'open') state.value = 'unreachable';
      throw error;
    }
  }

  async function signIn(secret: string): Promise<void> {
    await api(Me, 'POST', '/session', { login: 'admin', password: secret });
    state.value = 'open';
  }

  return { state, check, signIn };
});
