/** Names in an error may come from an image or a registry: control characters in them must not reach a terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject
  return text.replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (letter) => {
    return `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
