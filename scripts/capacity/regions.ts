/** Where callers are, and how far that is from the database. */

interface Place {
  latitude: number;
  longitude: number;
  /** Of its daily curve. */
  utcOffsetHours: number;
}

const PLACES = {
  "us-east": { latitude: 39.0, longitude: -77.5, utcOffsetHours: -5 },
  "us-west": { latitude: 45.6, longitude: -121.2, utcOffsetHours: -8 },
  "sa-east": { latitude: -23.5, longitude: -46.6, utcOffsetHours: -3 },
  "eu-west": { latitude: 53.3, longitude: -6.3, utcOffsetHours: 0 },
  "eu-central": { latitude: 50.1, longitude: 8.7, utcOffsetHours: 1 },
  "ap-south": { latitude: 19.1, longitude: 72.9, utcOffsetHours: 5.5 },
  "ap-southeast": { latitude: 1.4, longitude: 103.8, utcOffsetHours: 8 },
  "ap-northeast": { latitude: 35.7, longitude: 139.7, utcOffsetHours: 9 },
  "au-east": { latitude: -33.9, longitude: 151.2, utcOffsetHours: 10 },
} satisfies Record<string, Place>;

export type RegionName = keyof typeof PLACES;
export const REGION_NAMES = Object.keys(PLACES) as RegionName[];

export interface Region {
  name: RegionName;
  /** Of all traffic; all regions' add up to 1. */
  share: number;
}

export const isRegion = (name: string): name is RegionName => name in PLACES;

export const utcOffsetHours = (name: RegionName): number => PLACES[name].utcOffsetHours;

const EARTH_RADIUS_KM = 6_371;
/** Light in glass. */
const KM_PER_MS = 200;
/** Cables are longer than great circles. */
const DETOUR = 1.5;
const WITHIN_REGION_MS = 2;

/** Round trip in ms: distance over the speed of light in glass, with a detour. */
export function roundTripMs(from: RegionName, to: RegionName): number {
  const [a, b] = [PLACES[from], PLACES[to]];
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const cosine =
    Math.sin(radians(a.latitude)) * Math.sin(radians(b.latitude)) +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.cos(radians(a.longitude - b.longitude));
  const km = EARTH_RADIUS_KM * Math.acos(Math.min(1, cosine));
  return WITHIN_REGION_MS + (2 * km * DETOUR) / KM_PER_MS;
}
