// TypeScript declarations of the package. The classic script defines the same object as the global `Skype`.

export as namespace SkypeP2P;

export declare const Skype: Skype;
export default Skype;

declare global {
  /** The object that the classic script defines. */
  // eslint-disable-next-line no-var
  var Skype: Skype;
}

export interface Skype {
  /** Loads the package. Calls `success` with the API, which the promise also resolves with. */
  initialize(options?: InitializeOptions, success?: (api: Api) => void, failure?: (error: SkypeError) => void): Task<Api>;
}

export interface InitializeOptions {
  /** Accepted and not used. */
  apiKey?: string;
  supportsAudio?: boolean;
  supportsVideo?: boolean;
  /** Has the server archive the conversations of the ready-made application. */
  convLogSettings?: boolean;
  /** Domains whose hosts may receive the user's credentials, besides the SIP domain of the user. */
  trust?: string[];
  [other: string]: unknown;
}

export interface Api {
  /** Each application is independent of the others, and signs in once. */
  readonly application: new (settings?: ApplicationSettings) => Application;
  /** A ready-made application. After its sign-out, this is a new one. */
  readonly UIApplicationInstance: Application;
}

export interface ApplicationSettings {
  /** The ID of this endpoint. */
  id?: string;
  /** Continues the application of this snapshot. */
  snapshot?: string;
  /** The name of the program, and its version, which is not sent. */
  version?: string;
  convLogSettings?: boolean;
  trust?: string[];
  [other: string]: unknown;
}

/** The reason for a state or a failure. */
export interface SkypeError extends Error {
  readonly code: string;
  /** The cause. */
  readonly reason?: SkypeError;
  readonly response?: { readonly status?: number; readonly code?: string; readonly subcode?: string };
  readonly stage?: string;
  readonly host?: string;
  readonly diagnostics?: string;
  readonly correlationId?: string;
}

/** A promise. A rejection is not reported as unhandled. */
export interface Task<T> extends Promise<T> {
  then<R = T, F = never>(
    ok?: ((value: T) => R | PromiseLike<R>) | null,
    fail?: ((error: SkypeError) => F | PromiseLike<F>) | null,
    info?: (info: unknown) => void,
  ): Task<R | F>;
  catch<F = never>(fail?: ((error: SkypeError) => F | PromiseLike<F>) | null): Task<T | F>;
  finally(end?: (() => void) | null): Task<T>;
}

export interface Disposable {
  dispose(): void;
}

/** An event: `event(listener)` is `event.on(listener)`. */
export interface Event<L extends (...values: never[]) => void> {
  (listener: L): Disposable;
  on(listener: L): Disposable;
  off(listener: L): void;
}

/** A function that throws while it is not enabled. */
export interface Command<A extends unknown[], R> {
  (...values: A): Task<R>;
  readonly enabled: Property<boolean>;
  /** The same command with its arguments given. */
  bind(...values: A): Command<[], R>;
}

/** An observable value. */
export interface Property<T> {
  /** The present value; no request is sent. */
  (): T;
  /** Sets the value. */
  (value: T, reason?: unknown): void;
  /** The reason for the present value. */
  readonly reason: SkypeError | undefined;
  /** Fetches the value, from the server if it is there. */
  readonly get: Command<[], T>;
  readonly set: Command<[value: T, reason?: unknown], T>;
  /** Calls the listener at once, unless the value is undefined, and then with each change. */
  readonly changed: Event<(value: T, reason: SkypeError | undefined, old: T | undefined) => void>;
  /** Calls the listener each time the property gets the value, or one that the predicate accepts. */
  when(wanted: T | ((value: T) => boolean), listener: (reason: SkypeError | undefined, old: T | undefined) => void): Disposable;
  /** Like `when`, but at most one time. */
  once(wanted: T | ((value: T) => boolean), listener: (reason: SkypeError | undefined, old: T | undefined) => void): Disposable;
  map<U>(convert: (value: T) => U): Property<U>;
  /** Follows the value on the server, or fetches it every so many seconds. */
  subscribe(seconds?: number): Disposable;
}

/** An observable list. */
export interface Collection<T, A = never> {
  /** A copy of the items. */
  (): T[];
  (index: number): T;
  (key: string): T | undefined;
  readonly size: Property<number>;
  /** Calls the listener for each present item, and for each item that is added. */
  readonly added: Event<(item: T, key: string, index: number) => void>;
  readonly removed: Event<(item: T, key: string, index: number) => void>;
  readonly changed: Event<() => void>;
  readonly get: GetItems<T>;
  readonly add: Command<[item: A], void>;
  readonly remove: Command<[item: T], void>;
  subscribe(seconds?: number): Disposable;
  map<U>(convert: (item: T) => U): Collection<U>;
  /** The items that the predicate accepts. It is asked again when a property changes that it has read. */
  filter(predicate: (item: T) => boolean): Collection<T>;
  /** The items in an order. The function tells whether two items are in the right order. */
  sort(isInOrder: (one: T, other: T) => boolean): Collection<T>;
  reduce<U>(combine: (value: U, item: T) => U, initial: U): Property<U>;
}

export interface GetItems<T> {
  (): Task<T[]>;
  (index: number): Task<T>;
  (key: string): Task<T | undefined>;
  readonly enabled: Property<boolean>;
}

export interface Application {
  readonly signInManager: SignInManager;
  readonly conversationsManager: ConversationsManager;
  readonly personsAndGroupsManager: PersonsAndGroupsManager;
  readonly devicesManager: DevicesManager;
  readonly collectOII: Property<boolean>;
  readonly ucwa: { readonly fqdn: string | undefined };
  /** The state that another page needs to continue this application. Throws unless the application is signed in. */
  getSnapshot(): Task<string | undefined>;
  /** Ends the application here and deletes nothing at the server. */
  detach(): Task<string | undefined>;
}

export type SignInState = "SignedOut" | "SigningIn" | "SignedIn" | "SigningOut";

export interface SignInManager {
  readonly state: Property<SignInState>;
  signIn(options?: SignInOptions): Task<void>;
  signOut(): Task<void>;
}

export interface SignInOptions {
  version?: string;
  /** The SIP address, or `DOMAIN\user` together with `domain`. */
  username?: string;
  password?: string;
  /** The SIP domain. */
  domain?: string;
  /** A token of another issuer, with or without `Bearer `. */
  token?: string;
  /** Returns a token for a resource, such as `https://lync.contoso.com`. */
  get_oauth_token?: (resource: string) => string | PromiseLike<string>;
  /** The URI of a conference that a guest joins, with the name of the guest, and the key of the conference. */
  meeting?: string;
  name?: string;
  key?: string;
  /** The URL where the discovery of the server starts. The first one is used. */
  origins?: string[];
  root?: string | { user: string };
  /** False: sends all requests through the cross-domain frame of the server. */
  cors?: boolean;
  [other: string]: unknown;
}

export interface ConversationsManager {
  readonly conversations: Collection<Conversation>;
  getConversation(who: string | Person): Conversation;
  getConversationByUri(uri: string): Conversation;
  createConversation(): Conversation;
  readonly getMoreConversations: Command<[count?: number], void>;
  readonly unreadConversationsCount: Property<number>;
  readonly isHistoryEnabled: Property<boolean>;
  readonly createSearchQuery: Command<[], never>;
  readonly createMeeting: Command<[], never>;
}

export type ConversationState = "Created" | "Connecting" | "Connected" | "Disconnected";
export type CallConnectionState = "Disconnected" | "Notified" | "Connecting" | "Ringing" | "Connected" | "Disconnecting";
export type MessageFormat = "Text" | "Html";

export interface Conversation {
  readonly id: Property<string>;
  readonly state: Property<ConversationState>;
  /** Settable before the conversation begins. */
  readonly topic: Property<string>;
  readonly uri: Property<string | undefined>;
  readonly isGroupConversation: Property<boolean>;
  readonly isJoiningEnabled: Property<boolean>;
  readonly creator: Person | undefined;
  readonly context: Property<string | undefined> & { readonly type: Property<string | undefined> };
  /** The participants who are in the conversation. */
  readonly participants: Collection<Participant, string | Person | Participant>;
  readonly participantsCount: Property<number>;
  readonly selfParticipant: Participant;
  readonly activeModalities: { readonly chat: Property<boolean>; readonly audio: Property<boolean>; readonly video: Property<boolean> };
  readonly chatService: ChatService;
  readonly historyService: HistoryService;
  readonly audioService: MediaService;
  readonly videoService: MediaService;
  readonly phoneAudioService: MediaService;
  readonly leave: Command<[], void>;
  readonly acknowledge: Command<[], void>;
  createParticipant(who: string | Person): Participant;
}

export interface ChatService {
  readonly state: Property<CallConnectionState>;
  readonly messages: Collection<TextMessage>;
  readonly supportedMessageFormats: Collection<MessageFormat>;
  readonly start: Command<[options?: { context?: string; contextType?: string }], void>;
  readonly stop: Command<[], void>;
  readonly accept: Command<[], void>;
  readonly reject: Command<[], void>;
  readonly sendMessage: Command<[text: string, format?: MessageFormat], void>;
  readonly sendIsTyping: Command<[], void>;
}

export interface HistoryService {
  readonly activityItems: Collection<ActivityItem>;
  readonly getMoreActivityItems: Command<[], void>;
  readonly markAllAsRead: Command<[], void>;
}

export type ActivityItem = TextMessage | ParticipantActivity;

export interface TextMessage {
  readonly type: Property<"TextMessage">;
  readonly direction: Property<"Incoming" | "Outgoing">;
  readonly sender: Person;
  /** Plain text. It must not be used as HTML. */
  readonly text: Property<string>;
  /** HTML that is safe to show. */
  readonly html: Property<string>;
  readonly timestamp: Property<Date>;
  readonly status: Property<"Pending" | "Succeeded" | "Failed" | "Unknown">;
}

export interface ParticipantActivity {
  readonly type: Property<"ParticipantJoined" | "ParticipantLeft">;
  readonly timestamp: Property<Date>;
  readonly participant: Participant;
  readonly person: Person;
}

/** Audio or video, which is not supported: every command is disabled. */
export interface MediaService {
  readonly state: Property<CallConnectionState>;
  readonly [command: string]: unknown;
}

export interface Participant {
  readonly person: Person;
  readonly displayName: Property<string>;
  readonly state: Property<"Disconnected" | "Connecting" | "InLobby" | "Connected" | "Disconnecting">;
  readonly role: Property<"Attendee" | "Leader">;
  readonly isAnonymous: Property<boolean>;
  readonly chat: { readonly state: Property<CallConnectionState>; readonly isTyping: Property<boolean> };
  readonly audio: MediaService;
  readonly video: MediaService;
  readonly admit: Command<[], void>;
  readonly reject: Command<[], void>;
}

export type PersonStatus = "Online" | "Busy" | "DoNotDisturb" | "BeRightBack" | "Away" | "Offline" | "Hidden" | "Idle" | "Unknown";

export interface Person {
  readonly id: Property<string>;
  readonly type: Property<string>;
  readonly displayName: Property<string>;
  readonly title: Property<string | undefined>;
  readonly department: Property<string | undefined>;
  readonly company: Property<string | undefined>;
  readonly office: Property<string | undefined>;
  /** The URL of the photo, for an image. `get` loads the photo, and `subscribe` also each later one. */
  readonly avatarUrl: Property<string | undefined>;
  readonly status: Property<PersonStatus>;
  readonly activity: Property<string | undefined>;
  readonly lastSeenAt: Property<Date | undefined>;
  readonly endpointType: Property<string>;
  readonly location: Property<string | undefined>;
  readonly relationshipLevel: Property<string | undefined>;
  readonly note: { readonly text: Property<string | undefined>; readonly type: Property<string | undefined> };
  readonly emails: Collection<{ readonly emailAddress: Property<string> }>;
  readonly phoneNumbers: Collection<PhoneNumber>;
  readonly capabilities: { readonly chat: Property<boolean>; readonly audio: Property<boolean>; readonly video: Property<boolean> };
  readonly groups: Collection<Group>;
  /** The person itself. */
  readonly person: Person;
}

export interface PhoneNumber {
  readonly type: Property<string>;
  readonly telUri: Property<string>;
  readonly displayString: Property<string>;
}

/** A property that the user publishes. */
export interface PublishedProperty<T> extends Property<T> {
  readonly reset: Command<[], void>;
}

export interface MePerson extends Person {
  readonly status: PublishedProperty<PersonStatus>;
  readonly location: PublishedProperty<string | undefined>;
  readonly note: { readonly text: PublishedProperty<string | undefined>; readonly type: Property<string | undefined> };
  readonly email: Property<string | undefined>;
}

export interface Group {
  readonly id: Property<string | undefined>;
  readonly name: Property<string | undefined>;
  readonly type: Property<string>;
  readonly uri: Property<string | undefined>;
  readonly relationshipLevel: Property<string | undefined>;
  readonly persons: Collection<Person, string | Person>;
  readonly groups: Collection<Group, Group>;
}

export interface PersonsAndGroupsManager {
  readonly mePerson: MePerson;
  readonly all: Group;
  createPersonSearchQuery(): PersonSearchQuery;
  readonly createGroupSearchQuery: Command<[], never>;
  /** A new group, which is in the contact list after `all.groups.add`. */
  createGroup(name?: string): Group;
}

export interface PersonSearchQuery {
  readonly text: Property<string>;
  readonly limit: Property<number>;
  readonly results: Collection<{ readonly result: Person }>;
  readonly moreResultsAvailable: Property<boolean>;
  readonly getMore: Command<[], { readonly result: Person }[]>;
}

/** There are no devices: audio and video are not supported. */
export interface DevicesManager {
  readonly cameras: Collection<never>;
  readonly microphones: Collection<never>;
  readonly speakers: Collection<never>;
  readonly selectedCamera: Property<undefined>;
  readonly selectedMicrophone: Property<undefined>;
  readonly selectedSpeaker: Property<undefined>;
  readonly mediaCapabilities: { readonly isBrowserMediaSupported: Property<boolean>; readonly isPluginInstalled: Property<boolean> };
}
