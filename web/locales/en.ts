import camera from './en/camera.ts';
import capture from './en/capture.ts';
import common from './en/common.ts';
import desk from './en/console.ts';
import devices from './en/devices.ts';
import field from './en/field.ts';
import shots from './en/shots.ts';
import source from './en/source.ts';
import review from './en/review.ts';
import custody from './en/custody.ts';
import handOver from './en/hand-over.ts';
import operations from './en/operations.ts';
import people from './en/people.ts';

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
