// The camera of whoever looks at the page, its frames as pixels, and one sentence where there is none.

/** @typedef {'user' | 'environment'} Facing */
/** @typedef {{ stop(): void, facing: Facing, mirrored: boolean, width: number, height: number }} Camera */

/** Why there is no camera; its message is a sentence for people. */
export class CameraTrouble extends Error {
  /** @param {string} message @param {unknown} [cause] */
  constructor(message, cause) {
    super(message, { cause });
    this.name = 'CameraTrouble';
  }
}

/** @type {Record<string, string>} By the name of what a browser throws. */
const CAMERA_TROUBLES = {
  NotAllowedError: 'This page may not use the camera: allow it in the address bar or in the settings of the browser, '
    + 'and try again.',
  NotFoundError: 'No camera was found: connect one, and try again.',
  NotReadableError: 'The camera is there but gives no picture: another program may be using it; close that, and try '
    + 'again.',
};
CAMERA_TROUBLES.SecurityError = CAMERA_TROUBLES.NotAllowedError;
CAMERA_TROUBLES.OverconstrainedError = CAMERA_TROUBLES.NotFoundError;
CAMERA_TROUBLES.AbortError = CAMERA_TROUBLES.NotReadableError;

/** @type {(cause: unknown) => CameraTrouble} */
const cameraTrouble = (cause) => {
  const { name = 'Error', message = String(cause) } = cause instanceof Error ? cause : {};
  return new CameraTrouble(
    CAMERA_TROUBLES[name] ?? `The camera could not be opened (${message || name}); try again.`, cause);
};

/** @type {(stream: MediaStream) => void} */
const releaseStream = (stream) => stream.getTracks().forEach((track) => track.stop());

/** @type {() => Promise<MediaDeviceInfo[]>} */
const videoInputs = async () => {
  const devices = await navigator.mediaDevices?.enumerateDevices?.() ?? [];
  return devices.filter(({ kind }) => kind === 'videoinput');
};

/**
 * Open a camera and show it. Two cameras of a desk do not say where they look: there the one at the back is the second.
 *
 * @param {{ facing?: Facing, width?: number }} wanted Where it looks, and how wide its frames should be, in pixels.
 * @param {HTMLVideoElement} video Shows it, muted.
 * @returns {Promise<Camera>} What it is in truth; `mirrored`: people expect a mirror. Whoever opened it stops it.
 * @throws {CameraTrouble}
 */
export async function openCamera({ facing = 'user', width = 640 }, video) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new CameraTrouble('Browsers give the camera only to pages with https:// or on localhost: open this page so.');
  }
  const size = { width: { ideal: width }, height: { ideal: Math.round(0.75 * width) } };
  /** @type {(which: MediaTrackConstraints) => Promise<MediaStream>} */
  const ask = (which) => navigator.mediaDevices.getUserMedia({ audio: false, video: { ...size, ...which } });
  /** @type {MediaStream | null} */
  let stream = null;
  try {
    stream = await ask({ facingMode: { ideal: facing } });
    let settings = stream.getVideoTracks()[0].getSettings();
    /** @type {Facing} */
    let found = settings.facingMode === 'environment' ? 'environment' : 'user';
    if (!settings.facingMode && facing === 'environment') {
      const other = (await videoInputs()).find(({ deviceId }) => deviceId && deviceId !== settings.deviceId);
      if (other) {
        releaseStream(stream);
        stream = await ask({ deviceId: { exact: other.deviceId } });
        settings = stream.getVideoTracks()[0].getSettings();
        found = 'environment';
      }
    }
    const open = stream;
    Object.assign(video, { muted: true, playsInline: true, srcObject: open });
    await video.play();
    const stop = () => {
      releaseStream(open);
      if (video.srcObject === open) Object.assign(video, { srcObject: null });
    };
    const { videoWidth, videoHeight } = video;
    return { stop, facing: found, mirrored: found === 'user', width: videoWidth, height: videoHeight };
  } catch (error) {
    if (stream) releaseStream(stream);
    throw cameraTrouble(error);
  }
}

/**
 * Count the cameras.
 *
 * @returns {Promise<number>} Video inputs; 0 where the browser gives none away.
 */
export async function cameras() {
  return (await videoInputs()).length;
}

/**
 * Return what a video or picture shows now, in its own size.
 *
 * @param {HTMLVideoElement | HTMLImageElement | ImageBitmap | HTMLCanvasElement} source
 * @param {HTMLCanvasElement | OffscreenCanvas} canvas Of the caller, used again for each frame.
 * @returns {ImageData} RGBA, sRGB; opaque for a video.
 */
export function frameOf(source, canvas) {
  const [width, height] = 'videoWidth' in source ? [source.videoWidth, source.videoHeight]
    : 'naturalWidth' in source ? [source.naturalWidth, source.naturalHeight] : [source.width, source.height];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  pen.drawImage(source, 0, 0);
  return pen.getImageData(0, 0, width, height);
}
