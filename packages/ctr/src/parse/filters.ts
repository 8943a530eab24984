/** The request's part for filters that were typed (contracts/supervisor/filters.ts): nothing where there are none. */
export function filtersOf(words: readonly string[]): { filters?: string[] } {
  return words.length > 0 ? { filters: [...words] } : {};
}
