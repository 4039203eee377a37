import type { Wish } from '../columns.js';
import { TEXT, CODE } from './kinds.js';

export const STORE_WISHES = {
  code: {
    kinds: CODE,
    names: [
      [1, 'store code, code, store number, store no, branch code, site code, location code, short code'],
      [0.8, 'number, no, external id, ref'],
    ],
    not: 'postal zip country state phone area post dial',
  },
  name: {
    kinds: TEXT,
    names: [
      [1, 'name, title, label, display name'],
      [0.6, 'description'],
    ],
    not: 'manager contact owner legal city',
  },
  city: {
    kinds: TEXT,
    names: [
      [1, 'city, town, city name, municipality'],
      [0.6, 'suburb, locality'],
    ],
  },
  state: {
    kinds: TEXT,
    names: [
      [1, 'state, province, state province, state code, state abbr, state name, province code'],
      [0.8, 'region, district, county, prefecture'],
    ],
  },
  postalCode: { kinds: CODE, names: [[1, 'postal code, zip, zip code, postcode, post code, postal, plz']] },
  country: { kinds: TEXT, names: [[1, 'country, country code, country name, nation, country iso']] },
  latitude: { kinds: ['number'], names: [[1, 'latitude, lat, geo lat']] },
  longitude: { kinds: ['number'], names: [[1, 'longitude, lng, lon, long, geo lng, geo lon']] },
  zone: { kinds: TEXT, names: [[1, 'time zone, tz, tz name, zone']] },
} as const satisfies Record<string, Wish>;
