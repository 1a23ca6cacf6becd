// Typed events: on() returns what unsubscribes.
export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(value: never) => void>>();

  on<E extends keyof Events>(event: E, fn: (value: Events[E]) => void): () => void {
    let set = this.listeners.get(event);
    if (set === undefined) this.listeners.set(event, (set = new Set()));
    set.add(fn);
    return () => void set.delete(fn);
  }

  emit<E extends keyof Events>(event: E, value: Events[E]): void {
    for (const fn of [...(this.listeners.get(event) ?? [])]) {
      (fn as (value: Events[E]) => void)(value);
    }
  }
}
