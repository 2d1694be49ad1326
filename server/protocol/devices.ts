import { z } from 'zod';

/** 执法记录仪, 手机, 无人机, 摄像机, 固定视频, 编码器. */
export const DEVICE_TYPES = ['body-camera', 'phone', 'drone', 'camera', 'fixed-camera', 'encoder'] as const;
export const DeviceType = z.enum(DEVICE_TYPES);
export type DeviceType = z.infer<typeof DeviceType>;

/** 在用, 维修, 停用, 丢失. */
export const DEVICE_STATES = ['in-service', 'in-repair', 'retired', 'lost'] as const;
export const DeviceState = z.enum(DEVICE_STATES);
export type DeviceState = z.infer<typeof DeviceState>;
