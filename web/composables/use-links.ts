import { z } from 'zod';
import { CaptureLink, CaptureLinkItem, type LinkCreate } from '../../server/protocol/capture.ts';
import { api } from './api.ts';

/** The capture links of an operation, as the console makes, lists and revokes them. All throw ApiFailure. */
export function useLinks(operationId: string) {
  const base = `/operations/${operationId}`;
  return {
    /** For one angle, or (null) for the whole operation. */
    make: (angleId: string | null, wanted: LinkCreate): Promise<CaptureLink> =>
      api(CaptureLink, 'POST', angleId === null ? `${base}/links` : `${base}/angles/${angleId}/links`, wanted),
    list: async (): Promise<CaptureLinkItem[]> => (await api(z.object({ links: z.array(CaptureLinkItem) }), 'GET', `${base}/links`)).links,
    /** Only this device; the link's others go on. */
    revokeDevice: (linkId: string, deviceId: string): Promise<null> =>
      api(z.null(), 'DELETE', `${base}/links/${linkId}/devices/${deviceId}`),
    revoke: (linkId: string): Promise<null> => api(z.null(), 'DELETE', `${base}/links/${linkId}`),
  };
}
