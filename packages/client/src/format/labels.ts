type Labelled = { readonly Labels: Readonly<Record<string, string>> };

/** The function of a list's template that shows one label: `{{.Label "owner"}}`. */
export const labelMethods = {
  Label:
    ({ Labels }: Labelled) =>
    (name: unknown): string =>
      Labels[String(name)] ?? "",
};

/** "a=1,b=2", sorted. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.keys(labels)
    .sort()
    .map((name) => `${name}=${labels[name]}`)
    .join(",");
}
