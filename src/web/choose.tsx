/** Choose what to score: an example, files, something dropped or pasted, the microphone. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Entry } from "./files.ts";
import { FilesTable } from "./files-table.tsx";
import { SAMPLES } from "./samples.ts";

interface Props {
  readonly sample: string;
  readonly entries: readonly Entry[];
  readonly file: File | null; // that is shown
  onFiles(files: readonly File[]): void;
  onFile(file: File): void;
  onSample(id: string): void;
}

const ACCEPT =
  ".mid,.midi,.kar,.rmi,.wav,.rf64,.w64,.aif,.aiff,.aifc,.flac,.mp3,.ogg,.oga,.opus,.webm,.weba,.mka,.mp4,.m4a,audio/*";

export function Choose({ sample, entries, file, onFiles, onFile, onSample }: Props) {
  const [isOver, setOver] = useState(false);
  const latest = useRef(onFiles);
  latest.current = onFiles;
  useEffect(() => {
    const take = (list: FileList | undefined) => {
      if (list && list.length > 0) latest.current([...list]);
    };
    const drag = (event: DragEvent) => {
      event.preventDefault(); // else the browser opens the file
      setOver(event.type === "dragover");
      if (event.type === "drop") take(event.dataTransfer?.files);
    };
    const paste = (event: ClipboardEvent) => take(event.clipboardData?.files);
    const types = ["dragover", "dragleave", "drop"] as const;
    for (const type of types) document.addEventListener(type, drag);
    document.addEventListener("paste", paste);
    return () => {
      for (const type of types) document.removeEventListener(type, drag);
      document.removeEventListener("paste", paste);
    };
  }, []);
  return (
    <section class="choose" aria-label="What to score" data-over={isOver}>
      <ul class="chips" aria-label="Examples">
        {SAMPLES.map(({ id, title }) => (
          <li key={id}>
            <button type="button" aria-pressed={id === sample} onClick={() => onSample(id)}>
              {title}
            </button>
          </li>
        ))}
      </ul>
      <div class="own">
        <label class="button">
          <input
            type="file"
            multiple
            accept={ACCEPT}
            onChange={({ currentTarget }) => {
              onFiles([...(currentTarget.files ?? [])]);
              currentTarget.value = ""; // so that the same file can be chosen again
            }}
          />
          Choose files
        </label>
        <Recorder onFile={(file) => onFiles([file])} />
        <span class="hint">or drop MIDI or speech</span>
      </div>
      {entries.length > 1 && <FilesTable entries={entries} file={file} onFile={onFile} />}
    </section>
  );
}

/** Records the microphone until it is pressed again. */
function Recorder({ onFile }: { onFile(file: File): void }) {
  const [recorder, setRecorder] = useState<MediaRecorder | null>(null);
  const [refusal, setRefusal] = useState("");
  if (!navigator.mediaDevices || !("MediaRecorder" in window)) return null;
  async function start() {
    setRefusal("");
    try {
      const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      const made = new MediaRecorder(stream);
      const parts: Blob[] = [];
      made.ondataavailable = ({ data }) => parts.push(data);
      made.onstop = () => {
        for (const track of stream.getTracks()) track.stop();
        setRecorder(null);
        const type = made.mimeType.split(";")[0];
        onFile(new File(parts, `recording.${type.endsWith("mp4") ? "mp4" : "webm"}`, { type }));
      };
      made.start();
      setRecorder(made);
    } catch {
      setRefusal("The microphone is not available.");
    }
  }
  return (
    <>
      <button
        type="button"
        class={recorder ? "recording" : ""}
        onClick={() => (recorder ? recorder.stop() : void start())}
      >
        {recorder ? "Stop and score" : "Record speech"}
      </button>
      {refusal && <span role="alert">{refusal}</span>}
    </>
  );
}
