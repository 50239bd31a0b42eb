/** Reads the `data` of each event of a `text/event-stream`. Comments count as a sign of life. */
export async function readEvents(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  on: { readonly data: (text: string) => void; readonly alive: () => void },
): Promise<void> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    on.alive();
    const blocks = (rest + value).replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = block
        .split('\n')
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5).replace(/^ /, ''));
      if (data.length > 0) on.data(data.join('\n'));
    }
  }
}
