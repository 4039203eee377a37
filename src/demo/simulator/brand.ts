/** The simulated brand's fixed facts: merchants, stores, card templates, tiers, wallets and surveys. All invented. */

export interface Store {
  readonly storeId: string;
  readonly code: string;
  readonly name: string;
  readonly city: string | null;
  readonly state: string | null;
  readonly postalCode: string | null;
  readonly country: string;
  readonly latitude: string | null;
  readonly longitude: string | null;
  readonly timezone: string;
  readonly kind: 'RETAIL' | 'CORPORATE' | 'WEB' | 'LAB';
}

export interface WalletDefinition {
  readonly code: number;
  readonly label: string;
  readonly type: string;
  readonly value: string;
  readonly unit: string;
  readonly scale: number;
  readonly currency: string | null;
  readonly visible: boolean;
  readonly giftable: boolean;
  readonly sort: number;
}

export interface Template {
  readonly code: number;
  readonly label: string;
  readonly program: 'LOYALTY' | 'STORED_VALUE' | 'COMBINED' | 'EMPLOYEE';
  readonly wallets: readonly number[];
}

export const MERCHANTS = [
  { merchantId: 777777, name: 'Harbor & Hearth', zone: 'America/New_York', status: 'ACTIVE', isDemo: false },
  {
    merchantId: 777778,
    name: 'Harbor & Hearth Showroom',
    zone: 'America/Chicago',
    status: 'ACTIVE',
    isDemo: true,
  },
  { merchantId: 777779, name: 'Lantern Noodle', zone: 'America/Denver', status: 'SUSPENDED', isDemo: false },
] as const;
export const MAIN_MERCHANT = MERCHANTS[0].merchantId;

const retail = (
  storeId: string,
  code: string,
  name: string,
  place: readonly [string, string, string, string],
  at: readonly [string, string] | null,
  timezone: string,
): Store => ({
  storeId,
  code,
  name,
  city: place[0],
  state: place[1],
  postalCode: place[2],
  country: place[3],
  latitude: at?.[0] ?? null,
  longitude: at?.[1] ?? null,
  timezone,
  kind: 'RETAIL',
});

export const RETAIL_STORES: readonly Store[] = [
  retail(
    '201',
    '201',
    'Harborside',
    ['Portland', 'ME', '04101', 'US'],
    ['43.657000', '-70.250000'],
    'America/New_York',
  ),
  retail(
    '202',
    '202',
    'Millrace',
    ['Rockford', 'IL', '61101', 'US'],
    ['42.271000', '-89.094000'],
    'America/Chicago',
  ),
  retail(
    '203',
    '203',
    'Foothill',
    ['Golden', 'CO', '80401', 'US'],
    ['39.755000', '-105.221000'],
    'America/Denver',
  ),
  retail(
    '204',
    '204',
    'Saguaro Row',
    ['Mesa', 'AZ', '85201', 'US'],
    ['33.415000', '-111.831000'],
    'America/Phoenix',
  ),
  retail(
    '205',
    '205',
    'Tidepool',
    ['Monterey', 'CA', '93940', 'US'],
    ['36.600000', '-121.894000'],
    'America/Los_Angeles',
  ),
  // Coordinates of 0,0 are how this store's owner says "unknown".
  retail(
    '9007199254740995',
    '206',
    'Lagoon',
    ['Hilo', 'HI', '96720', 'US'],
    ['0.000000', '0.000000'],
    'Pacific/Honolulu',
  ),
  retail('207', 'LDN-7', 'Canal Street', ['London', 'LND', 'N1 0AA', 'GB'], null, 'Europe/London'),
];

const office = (storeId: string, code: string, name: string, kind: 'CORPORATE' | 'WEB' | 'LAB'): Store => ({
  storeId,
  code,
  name,
  city: 'Newton',
  state: 'MA',
  postalCode: '02458',
  country: 'US',
  latitude: null,
  longitude: null,
  timezone: 'America/New_York',
  kind,
});
export const CORPORATE_STORE = office('100', 'corp', 'Corporate', 'CORPORATE');
export const WEB_STORE = office('101', 'web', 'Online', 'WEB');
export const LAB_STORE = office('102', 'lab', 'Test kitchen', 'LAB');
export const STORES: readonly Store[] = [CORPORATE_STORE, WEB_STORE, LAB_STORE, ...RETAIL_STORES];

export const POINTS = 3;
export const VISITS = 5;
export const FIVE_OFF = 11;
export const FREE_DESSERT = 12;
export const STORED_VALUE = 20;
export const BURGERS = 30;
export const SPEND = 40;
export const COMP = 50;

const wallet = (
  code: number,
  label: string,
  [type, value, unit]: readonly [string, string, string],
  more: Partial<WalletDefinition> = {},
): WalletDefinition => ({
  code,
  label,
  type,
  value,
  unit,
  scale: 0,
  currency: null,
  visible: true,
  giftable: false,
  sort: code,
  ...more,
});

export const WALLETS: readonly WalletDefinition[] = [
  wallet(POINTS, 'Points', ['POINT', 'POINTS', 'points']),
  // Shown before the points although its code is higher: order is by sort_order first.
  wallet(VISITS, 'Visits', ['ROLLING', 'VISITS', 'visits'], { sort: 1 }),
  wallet(FIVE_OFF, '$5 Off Reward', ['REDEEM', 'REWARD', 'reward'], { giftable: true }),
  wallet(FREE_DESSERT, 'Free dessert', ['MEMBER_REWARD', 'REWARD', 'reward']),
  wallet(STORED_VALUE, 'Stored Value', ['STORED_VALUE', 'CURRENCY', 'USD'], {
    scale: 2,
    currency: 'USD',
    giftable: true,
  }),
  wallet(BURGERS, 'Burgers bought', ['ADD', 'ITEM_COUNT', 'items'], { visible: false }),
  wallet(SPEND, 'Spend this year', ['ROLLING', 'SPEND', 'USD'], {
    scale: 2,
    currency: 'USD',
    visible: false,
  }),
  wallet(COMP, 'House account', ['COMP', 'CURRENCY', 'USD'], { scale: 2, currency: 'USD', visible: false }),
];

export const LOYALTY_TEMPLATE: Template = {
  code: 3,
  label: 'Hearth Rewards',
  program: 'LOYALTY',
  wallets: [POINTS, VISITS, FIVE_OFF, FREE_DESSERT, BURGERS, SPEND],
};
export const GIFT_TEMPLATE: Template = {
  code: 5,
  label: 'Gift card',
  program: 'STORED_VALUE',
  wallets: [STORED_VALUE],
};
export const COMBINED_TEMPLATE: Template = {
  code: 7,
  label: 'Hearth Rewards with card balance',
  program: 'COMBINED',
  wallets: [POINTS, VISITS, FIVE_OFF, FREE_DESSERT, STORED_VALUE, BURGERS, SPEND],
};
export const EMPLOYEE_TEMPLATE: Template = {
  code: 9,
  label: 'Crew card',
  program: 'EMPLOYEE',
  wallets: [POINTS, COMP],
};
export const TEMPLATES: readonly Template[] = [
  LOYALTY_TEMPLATE,
  GIFT_TEMPLATE,
  COMBINED_TEMPLATE,
  EMPLOYEE_TEMPLATE,
];

export const TIERS = [
  { code: 1, label: 'Base', rank: 0 },
  { code: 2, label: 'Gold', rank: 1 },
] as const;

export const SURVEY = {
  surveyId: '412',
  code: 'POSTVISIT',
  title: 'How was your visit?',
  questions: [
    { questionId: '4121', code: 'food', kind: 'SCALE', prompt: 'How was the food?' },
    { questionId: '4122', code: 'speed', kind: 'SCALE', prompt: 'How fast were we?' },
    { questionId: '4123', code: 'again', kind: 'CHOICE', prompt: 'Will you come again?' },
    { questionId: '4124', code: 'nps', kind: 'NPS', prompt: 'Would you recommend us?' },
    { questionId: '4125', code: 'words', kind: 'TEXT', prompt: 'Anything else?' },
  ],
} as const;
