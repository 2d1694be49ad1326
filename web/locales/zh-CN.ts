import camera from './zh-CN/camera.ts';
import capture from './zh-CN/capture.ts';
import common from './zh-CN/common.ts';
import desk from './zh-CN/console.ts';
import devices from './zh-CN/devices.ts';
import field from './zh-CN/field.ts';
import shots from './zh-CN/shots.ts';
import source from './zh-CN/source.ts';
import review from './zh-CN/review.ts';
import custody from './zh-CN/custody.ts';
import handOver from './zh-CN/hand-over.ts';
import operations from './zh-CN/operations.ts';
import people from './zh-CN/people.ts';

export default {
  ...common,
  ...desk,
  ...camera,
  ...capture,
  ...review,
  ...field,
  ...source,
  ...shots,
  ...devices,
  ...people,
  ...custody,
  ...handOver,
  ...operations,
};
