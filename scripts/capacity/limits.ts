/** Where the services end, by their own documentation (read on 2026-11-26). */

/**
 * Neon's compute sizes, in CU: fractions, then whole ones; above 16 CU on the Scale plan only.
 * https://neon.com/docs/introduction/plans
 */
const NEON_SIZES = [0.25, 0.5, ...Array.from({ length: 56 }, (_, i) => i + 1)];
export const NEON_MOST_CORES = 56;
export const NEON_MOST_CORES_OF_LAUNCH = 16;
/** Logical size of a branch, in GB; more on request. */
export const NEON_MOST_GB = 16_000;
/** https://developers.cloudflare.com/queues/platform/limits/ */
export const QUEUE_MESSAGES_PER_SECOND = 5_000;
/** Of a Hyperdrive configuration, about. https://developers.cloudflare.com/hyperdrive/platform/limits/ */
export const HYPERDRIVE_CONNECTIONS = 100;

/** The smallest size with that many cores; the largest if there is none. */
export const neonSize = (cores: number): number => NEON_SIZES.find((size) => size >= cores) ?? NEON_MOST_CORES;
