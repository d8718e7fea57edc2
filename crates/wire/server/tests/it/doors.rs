//! A small service that speaks every protocol: doors that are looked at, opened and closed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use strongroom_identity::{AccountId, Principal, RequestContext, Vouched};
use strongroom_schema::{
    Blob, Bound, Constraints, ErrorShape, Fault, HttpBinding, Kind, Map, Member, MemberTraits, Operation,
    Protocol, QueryError, Schema, ServiceSchema, Structure, Unit, structure,
};
use strongroom_secret::Secret;
use strongroom_service::{ApiError, Service, typed_input};
use tokio::sync::Semaphore;

const fn plain(name: &'static str, kind: Kind) -> Schema {
    Schema { name, kind, constraints: Constraints::NONE, sensitive: false, xml_namespace: None }
}

const fn member(name: &'static str, schema: &'static Schema) -> Member {
    Member { name, schema, required: false, traits: MemberTraits::NONE }
}

const fn required(name: &'static str, schema: &'static Schema) -> Member {
    Member { required: true, ..member(name, schema) }
}

static DOOR_ID: Schema = Schema {
    constraints: Constraints { min: Some(Bound::Int(1)), max: Some(Bound::Int(8)), ..Constraints::NONE },
    ..plain("DoorId", Kind::String)
};
static TEXT: Schema = plain("Text", Kind::String);
static NUMBER: Schema = plain("Number", Kind::Integer);
static PICTURE: Schema = plain("Picture", Kind::Blob);
static SECRET_PICTURE: Schema = Schema { sensitive: true, ..plain("SecretPicture", Kind::Blob) };
static CODE: Schema = Schema { sensitive: true, ..plain("Code", Kind::String) };
static LABELS: Schema = plain("Labels", Kind::List(member("member", &TEXT)));
static NOTES: Schema = plain("Notes", Kind::Map(member("key", &TEXT), member("value", &TEXT)));

static GET_DOOR: Schema = plain("GetDoorRequest", Kind::Structure(&[required("DoorId", &DOOR_ID)]));
static GOT_DOOR: Schema =
    plain("GetDoorResponse", Kind::Structure(&[member("DoorId", &DOOR_ID), member("Picture", &PICTURE)]));
static OPEN_DOOR: Schema = plain(
    "OpenDoorRequest",
    Kind::Structure(&[
        required("DoorId", &DOOR_ID),
        member("Code", &CODE),
        member("Picture", &PICTURE),
        member("Key", &SECRET_PICTURE),
        member("Labels", &LABELS),
        member("Notes", &NOTES),
        member("Times", &NUMBER),
    ]),
);
static KNOCK: Schema = plain(
    "KnockRequest",
    Kind::Structure(&[required("DoorId", &DOOR_ID), required("RoleArn", &TEXT), member("Token", &TEXT)]),
);
static OPENED_DOOR: Schema = plain(
    "OpenDoorResponse",
    Kind::Structure(&[member("DoorId", &DOOR_ID), member("Code", &CODE), member("Picture", &PICTURE)]),
);

#[derive(Debug, Default)]
struct GetDoor {
    door_id: String,
}
structure!(GetDoor, GET_DOOR, required { 0 door_id }, optional { });

#[derive(Debug, Default)]
struct GotDoor {
    door_id: Option<String>,
    picture: Option<Blob>,
}
structure!(GotDoor, GOT_DOOR, required { }, optional { 0 door_id 1 picture });

#[derive(Debug, Default)]
struct OpenDoor {
    door_id: String,
    code: Option<Secret<String>>,
    picture: Option<Blob>,
    key: Option<Secret<Blob>>,
    labels: Option<Vec<String>>,
    notes: Option<Map<String>>,
    times: Option<i32>,
}
structure!(
    OpenDoor,
    OPEN_DOOR,
    required { 0 door_id },
    optional { 1 code 2 picture 3 key 4 labels 5 notes 6 times }
);

#[derive(Debug, Default)]
struct Knock {
    door_id: String,
    role_arn: String,
    token: Option<String>,
}
structure!(Knock, KNOCK, required { 0 door_id 1 role_arn }, optional { 2 token });

#[derive(Debug, Default)]
struct OpenedDoor {
    door_id: Option<String>,
    code: Option<Secret<String>>,
    picture: Option<Blob>,
}
structure!(OpenedDoor, OPENED_DOOR, required { }, optional { 0 door_id 1 code 2 picture });

static NO_SUCH_DOOR: ErrorShape = ErrorShape {
    name: "NoSuchDoorException",
    query: Some(QueryError { code: "NoSuchDoor", http_status: 404 }),
    fault: Fault::Client,
    schema: Unit::SCHEMA,
};

const fn operation(name: &'static str, input: &'static Schema, read_only: bool) -> Operation {
    Operation {
        name,
        http: HttpBinding { method: "POST", uri: "/", code: 200 },
        input,
        output: Unit::SCHEMA,
        has_output: false,
        result_wrapper: None,
        errors: &[],
        read_only,
        data_event: false,
        unsigned: false,
    }
}

static DOORS: ServiceSchema = ServiceSchema {
    name: "doors",
    full_name: "Doors",
    signing_name: "doors",
    home_region: None,
    api_version: "2020-01-01",
    target_prefix: Some("com.example.Doors_20200101"),
    shape_namespace: "com.example",
    protocols: &[Protocol::Json11, Protocol::Query, Protocol::RpcV2Cbor],
    query_compatible: false,
    xml_namespace: Some("https://doors.example.com/doc/2020-01-01/"),
    event_source: "doors.example.com",
    error_message: "message",
    invalid_input: "ValidationException",
    left_out: &["CountDoors", "SellDoor"],
    operations: &[
        operation("CloseDoor", &GET_DOOR, false),
        Operation {
            output: &GOT_DOOR,
            has_output: true,
            result_wrapper: Some("GetDoorResult"),
            ..operation("GetDoor", &GET_DOOR, true)
        },
        Operation { unsigned: true, ..operation("Knock", &KNOCK, true) },
        Operation {
            output: &OPENED_DOOR,
            has_output: true,
            result_wrapper: Some("OpenDoorResult"),
            ..operation("OpenDoor", &OPEN_DOOR, false)
        },
        operation("PaintDoor", &GET_DOOR, false),
    ],
};

/// What goes on behind the front door.
pub(crate) struct Doors {
    /// The calls that came this far, in their order: operation and door.
    ran: Mutex<Vec<String>>,
    /// The drafts of records that calls were given, by request id.
    drafts: Mutex<HashMap<String, (String, Option<u64>)>>,
    /// Lets one call go on that waits at the door `wait`.
    pub(crate) gate: Semaphore,
}

impl Doors {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { ran: Mutex::default(), drafts: Mutex::default(), gate: Semaphore::new(0) })
    }

    pub(crate) fn ran(&self) -> Vec<String> {
        self.ran.lock().unwrap().clone()
    }

    pub(crate) fn draft(&self, request_id: &str) -> Option<String> {
        self.drafts.lock().unwrap().get(request_id).map(|(text, _)| text.clone())
    }

    /// The mark that came with the draft of a call.
    pub(crate) fn mark(&self, request_id: &str) -> Option<u64> {
        self.drafts.lock().unwrap().get(request_id)?.1
    }

    /// What every operation does first: some doors are not as others.
    async fn reach(&self, context: &RequestContext, verb: &str, door: &str) -> Result<(), ApiError> {
        self.ran.lock().unwrap().push(format!("{verb} {door}"));
        if let Some(draft) = context.draft() {
            let text = String::from_utf8(draft.bytes.clone()).unwrap();
            self.drafts.lock().unwrap().insert(context.request_id.to_string(), (text, draft.mark));
        }
        context.touched("Example::Doors::Door", context.account(), arn(context.account(), door));
        match door {
            "denied" => {
                context.refused_with("an encoded message");
                Err(ApiError::access_denied("User: you is not authorized to perform: doors:GetDoor"))
            }
            "gone" => {
                // Something was refused on the way, and did not matter.
                context.refused_with("an encoded message");
                Err(ApiError::modelled(&NO_SUCH_DOOR, "Door 'gone' does not exist"))
            }
            "broken" => Err(ApiError::internal("the hinge is broken")),
            "panic" => panic!("a door panics"),
            "forever" => std::future::pending().await,
            "wait" => {
                self.gate.acquire().await.unwrap().forget();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn arn(account: AccountId, door: &str) -> String {
    format!("arn:aws:doors:us-east-1:{account}:door/{door}")
}

/// The doors as the server sees them.
pub(crate) struct DoorsService(pub(crate) Arc<Doors>);

#[async_trait]
impl Service for DoorsService {
    fn schema(&self) -> &'static ServiceSchema {
        &DOORS
    }

    fn new_input(&self, operation: usize) -> Box<dyn Structure> {
        match DOORS.operations[operation].name {
            "OpenDoor" => Box::<OpenDoor>::default(),
            "Knock" => Box::<Knock>::default(),
            _ => Box::<GetDoor>::default(),
        }
    }

    async fn call(
        &self,
        context: &RequestContext,
        operation: usize,
        input: Box<dyn Structure>,
    ) -> Result<Box<dyn Structure>, ApiError> {
        let doors = &self.0;
        match DOORS.operations[operation].name {
            "CloseDoor" => {
                let input: GetDoor = typed_input(input)?;
                doors.reach(context, "close", &input.door_id).await?;
                Ok(Box::new(Unit))
            }
            "GetDoor" => {
                let input: GetDoor = typed_input(input)?;
                doors.reach(context, "get", &input.door_id).await?;
                let picture = (input.door_id == "large").then(|| Blob(vec![7; 3_000_000]));
                Ok(Box::new(GotDoor { door_id: Some(input.door_id), picture }))
            }
            // Whoever says who he is is believed.
            "Knock" => {
                let input: Knock = typed_input(input)?;
                if let (Principal::WebIdentity(web), Some(subject)) = (&context.caller.principal, input.token)
                {
                    let (provider, audience) = ("provider".to_owned(), "doors".to_owned());
                    web.vouch(Vouched { provider, audience, subject });
                }
                doors.reach(context, "knock", &input.door_id).await?;
                Ok(Box::new(Unit))
            }
            "OpenDoor" => {
                let input: OpenDoor = typed_input(input)?;
                context.defaulted("direction", "inwards");
                context.additional("squeaks", true);
                context.responded("sound", "creak");
                doors.reach(context, "open", &input.door_id).await?;
                let (door_id, code, picture) = (Some(input.door_id), input.code, input.picture);
                Ok(Box::new(OpenedDoor { door_id, code, picture }))
            }
            _ => Err(ApiError::not_implemented(&DOORS, &DOORS.operations[operation])),
        }
    }
}

static WINDOWS: ServiceSchema = ServiceSchema {
    name: "windows",
    full_name: "Windows",
    signing_name: "windows",
    home_region: None,
    api_version: "2021-01-01",
    target_prefix: Some("Windows"),
    shape_namespace: "com.example",
    protocols: &[Protocol::Json10],
    query_compatible: true,
    xml_namespace: None,
    event_source: "windows.example.com",
    error_message: "message",
    invalid_input: "ValidationException",
    left_out: &[],
    operations: &[operation("GetWindow", Unit::SCHEMA, true)],
};

/// Another service: one operation, in JSON 1.0 only, and whatever is asked of it is too much.
pub(crate) struct WindowsService;

#[async_trait]
impl Service for WindowsService {
    fn schema(&self) -> &'static ServiceSchema {
        &WINDOWS
    }

    fn new_input(&self, _: usize) -> Box<dyn Structure> {
        Box::new(Unit)
    }

    async fn call(
        &self,
        _: &RequestContext,
        _: usize,
        _: Box<dyn Structure>,
    ) -> Result<Box<dyn Structure>, ApiError> {
        Err(ApiError::validation("The window is shut"))
    }
}

static GATES: ServiceSchema = ServiceSchema {
    name: "gates",
    full_name: "Gates",
    signing_name: "gates",
    home_region: Some("us-east-1"),
    api_version: "2022-01-01",
    target_prefix: None,
    shape_namespace: "com.example",
    protocols: &[Protocol::Ec2],
    query_compatible: false,
    xml_namespace: Some("https://gates.example.com/doc/2022-01-01/"),
    event_source: "gates.example.com",
    error_message: "message",
    invalid_input: "ValidationException",
    left_out: &[],
    operations: &[operation("CloseDoor", &GET_DOOR, false), operation("OpenDoor", &OPEN_DOOR, false)],
};

/// The doors again, as a service that speaks EC2's form of the query protocol.
pub(crate) struct GatesService(pub(crate) Arc<Doors>);

#[async_trait]
impl Service for GatesService {
    fn schema(&self) -> &'static ServiceSchema {
        &GATES
    }

    fn new_input(&self, operation: usize) -> Box<dyn Structure> {
        if GATES.operations[operation].name == "OpenDoor" {
            Box::<OpenDoor>::default()
        } else {
            Box::<GetDoor>::default()
        }
    }

    async fn call(
        &self,
        context: &RequestContext,
        operation: usize,
        input: Box<dyn Structure>,
    ) -> Result<Box<dyn Structure>, ApiError> {
        if GATES.operations[operation].name == "OpenDoor" {
            let input: OpenDoor = typed_input(input)?;
            let labels = input.labels.unwrap_or_default().join("+");
            self.0.reach(context, "open", &format!("{} {labels}", input.door_id)).await?;
        } else {
            let input: GetDoor = typed_input(input)?;
            self.0.reach(context, "close", &input.door_id).await?;
        }
        Ok(Box::new(Unit))
    }
}
