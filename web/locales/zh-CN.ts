import camera from './zh-CN/camera.ts';
import capture from './zh-CN/capture.ts';
import common from './zh-CN/common.ts';
import desk from './zh-CN/console.ts';
import field from './zh-CN/field.ts';
import custody from './zh-CN/custody.ts';
import people from './zh-CN/people.ts';
import source from './zh-CN/source.ts';
import review from './zh-CN/review.ts';

export default { ...common, ...desk, ...camera, ...capture, ...review, ...field, ...source, ...people, ...custody };
