import type { Page } from 'playwright-core';

/** How a page's media goes, by its own statistics. */
export type Path = { candidateType: string; relayProtocol: string | null; protocol: string; state: string };

const REMEMBER = `
  globalThis.connections = [];
  const Real = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Real {
    constructor(configuration) {
      super(policy(configuration));
      globalThis.connections.push(this);
    }
    setConfiguration(configuration) {
      super.setConfiguration(policy(configuration));
    }
    setRemoteDescription({ type, sdp }) {
      return super.setRemoteDescription({ type, sdp: seen(sdp) });
    }
  };
`;

/**
 * To be run in a page before its own scripts. `relay`: nothing gets out but to a TURN server, as behind a firewall that knows
 * only that. `tcp`: of the hub's own addresses none can be reached by UDP.
 */
export function blockedUdp(left: 'relay' | 'tcp'): string {
  const policy = left === 'relay' ? `({ ...configuration, iceTransportPolicy: 'relay' })` : 'configuration';
  const seen = left === 'tcp' ? String.raw`sdp.replace(/^a=candidate:\S+ \d udp .*\r\n/gim, '')` : 'sdp';
  return `(() => { const policy = (configuration) => ${policy}; const seen = (sdp) => ${seen}; ${REMEMBER} })();`;
}

/** The paths of the page's connections that stand. */
export function pathsOf(page: Page): Promise<Path[]> {
  return page.evaluate(`(async () => {
    const paths = [];
    for (const connection of globalThis.connections) {
      const stats = new Map([...(await connection.getStats()).entries()]);
      const transport = [...stats.values()].find(({ type }) => type === 'transport');
      const pair = stats.get(transport?.selectedCandidatePairId);
      const local = stats.get(pair?.localCandidateId);
      if (!local || connection.connectionState !== 'connected') continue;
      const { candidateType, relayProtocol = null, protocol } = local;
      paths.push({ candidateType, relayProtocol, protocol, state: connection.connectionState });
    }
    return paths;
  })()`);
}
