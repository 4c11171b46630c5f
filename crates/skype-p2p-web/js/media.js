// Audio, video and devices, which exist without function.

import { emptyCollection } from "./collection.js";
import { unsupported } from "./command.js";
import { notSupported } from "./errors.js";
import { lazily } from "./object.js";
import { makeConstant } from "./property.js";

const AUDIO_AND_VIDEO = "audio, video and devices are not supported";
const noMedia = () => unsupported(AUDIO_AND_VIDEO);

// A modality that exists, disabled.
export function makeMediaService(commands) {
  const service = { state: makeConstant("Disconnected", notSupported(AUDIO_AND_VIDEO)) };
  lazily(service, Object.fromEntries(commands.map((name) => [name, noMedia])));
  return service;
}

export const makeDevicesManager = () => lazily({}, {
  cameras: emptyCollection,
  microphones: emptyCollection,
  speakers: emptyCollection,
  selectedCamera: () => makeConstant(undefined, notSupported(AUDIO_AND_VIDEO)),
  selectedMicrophone: () => makeConstant(undefined, notSupported(AUDIO_AND_VIDEO)),
  selectedSpeaker: () => makeConstant(undefined, notSupported(AUDIO_AND_VIDEO)),
  mediaCapabilities: () => ({
    isBrowserMediaSupported: makeConstant(false, notSupported(AUDIO_AND_VIDEO)),
    isPluginInstalled: makeConstant(false, notSupported(AUDIO_AND_VIDEO)),
  }),
});
