/** Of MPEG-TS (ISO/IEC 13818-1, 2.4.3.2). */
export const PACKET_BYTES = 188;
export const SYNC = 0x47;
/** What is read and written (2.4.4.10). */
export const STREAM_TYPE = { H264: 0x1b, H265: 0x24, aac: 0x0f } as const;
