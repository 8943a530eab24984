/** The request's field for filters (contracts/supervisor/filters.ts): none without filters. */
export function filtersOf(filters: readonly string[]): { filters?: string[] } {
  return filters.length > 0 ? { filters: [...filters] } : {};
}
