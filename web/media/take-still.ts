/** What TypeScript's library does not know yet (W3C MediaStream Image Capture). */
type PhotoCapabilities = { imageWidth?: { max: number }; imageHeight?: { max: number } };
type Camera = {
  takePhoto: (settings?: { imageWidth: number; imageHeight: number }) => Promise<Blob>;
  getPhotoCapabilities: () => Promise<PhotoCapabilities>;
};
type CameraClass = new (track: MediaStreamTrack) => Camera;

/** Some cameras never answer; the moment passes. */
const PATIENCE_MS = 4000;
const QUALITY = 0.95;
const ACCEPTED = /^image\/(jpeg|png)$/;

/**
 * A picture of what the camera sees now: at the camera's full resolution where the browser can, else the frame that is
 * filmed, at its own size. Throws when there is neither.
 */
export async function takeStill(stream: MediaStream): Promise<Blob> {
  const [track] = stream.getVideoTracks();
  if (!track || track.readyState !== 'live') throw new Error('there is no camera');
  return (await fullResolution(track)) ?? (await frame(track));
}

async function fullResolution(track: MediaStreamTrack): Promise<Blob | null> {
  const Capture = (window as unknown as { ImageCapture?: CameraClass }).ImageCapture;
  if (!Capture) return null;
  try {
    const photo = await Promise.race([photograph(new Capture(track)), later()]);
    return photo && ACCEPTED.test(photo.type) && photo.size > 0 ? photo : null;
  } catch {
    return null; // the camera films and will not photograph: its frame is taken
  }
}

async function photograph(camera: Camera): Promise<Blob> {
  const { imageWidth, imageHeight } = await camera.getPhotoCapabilities().catch((): PhotoCapabilities => ({}));
  if (!imageWidth?.max || !imageHeight?.max) return camera.takePhoto();
  const largest = { imageWidth: imageWidth.max, imageHeight: imageHeight.max };
  return camera.takePhoto(largest).catch(() => camera.takePhoto()); // not every pair of greatest sizes is a size
}

const later = (): Promise<null> => new Promise((resolve) => setTimeout(() => resolve(null), PATIENCE_MS));

async function frame(track: MediaStreamTrack): Promise<Blob> {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  try {
    await video.play();
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext('2d')?.drawImage(video, 0, 0);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY));
    if (!blob) throw new Error('the frame could not be kept');
    return blob;
  } finally {
    video.srcObject = null; // the track itself goes on
  }
}
