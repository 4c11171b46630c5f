//! `cargo xtask corpus`: whether the wire crate reads published payloads and writes them again without loss.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::Value as Json;
use ucwa_proto::{
    DateTime, EventPage, Input, Limits, Problem, Representation, Resource, TokenResponse, Value,
    batch::{Request, Response},
    resources::{through_input_view, through_view},
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A folder with `manifest.jsonl`; the files that it names are relative to the folder above, or to the folder
    /// itself
    directory: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let cases = match load(&arguments.directory) {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("{}: {error}", arguments.directory.display());
            return ExitCode::FAILURE;
        }
    };
    let mut failures: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for case in &cases {
        let checked = catch_unwind(AssertUnwindSafe(|| check(case)))
            .unwrap_or_else(|_| Err("it panics".to_owned()));
        if let Err(reason) = checked {
            failures.entry(&case.id).or_default().push(reason);
        }
    }
    for (first, second) in pairs(&cases) {
        if let Err(reason) = check_pair(first, second) {
            failures
                .entry(&second.id)
                .or_default()
                .push(format!("not the structure of {}: {reason}", first.id));
        }
    }
    for (id, reasons) in &failures {
        for reason in reasons {
            println!("{id}: {reason}");
        }
    }
    println!(
        "{} passed, {} failed",
        cases.len() - failures.len(),
        failures.len()
    );
    if failures.is_empty() && !cases.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

struct Case {
    id: String,
    body: Vec<u8>,
    format: Format,
    kind: String,
    /// The capability whose input this is.
    capability: Option<String>,
    valid: bool,
    pair: Option<String>,
    equal_structure: bool,
}

#[derive(Clone, Copy)]
enum Format {
    Plain(Representation),
    Batch,
}

fn load(directory: &Path) -> Result<Vec<Case>, String> {
    let manifest = std::fs::read_to_string(directory.join("manifest.jsonl"))
        .map_err(|error| format!("no manifest: {error}"))?;
    let lines = manifest
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            case(directory, line)
                .map_err(|error| format!("line {} of the manifest: {error}", at + 1))
        })
        .collect()
}

fn case(directory: &Path, line: &str) -> Result<Case, String> {
    let entry: Json = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let text = |name: &str| entry.get(name).and_then(Json::as_str).map(str::to_owned);
    let required = |name: &str| text(name).ok_or_else(|| format!("no `{name}`"));
    let file = required("file")?;
    let above = directory
        .canonicalize()
        .ok()
        .and_then(|path| Some(path.parent()?.join(&file)));
    let beside = || {
        Path::new(&file)
            .file_name()
            .map(|name| directory.join(name))
    };
    let path = above
        .filter(|path| path.exists())
        .or_else(beside)
        .ok_or("no file name")?;
    let kind = required("kind")?;
    let format = match &*required("format")? {
        _ if kind == "batch" => Format::Batch,
        "json" => Format::Plain(Representation::Json),
        "xml" => Format::Plain(Representation::Xml),
        "mime" => Format::Batch,
        other => return Err(format!("unknown format `{other}`")),
    };
    Ok(Case {
        id: required("id")?,
        body: std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?,
        format,
        kind,
        capability: text("page_rel"),
        valid: entry.get("valid").and_then(Json::as_bool).unwrap_or(true),
        pair: text("pair"),
        equal_structure: entry
            .get("pair_equal_structure")
            .and_then(Json::as_bool)
            .unwrap_or(false),
    })
}

fn check(case: &Case) -> Result<(), String> {
    let checked = match case.format {
        Format::Batch => check_batch(&case.body),
        Format::Plain(representation) if case.kind == "event" => {
            check_page(&case.body, representation)
        }
        Format::Plain(representation) => check_resource(case, representation),
    };
    match checked {
        Ok(()) => Ok(()),
        // An error of the decoder is all that an invalid case asks for; what was read must survive all the same.
        Err(Failure::Decoding(_)) if !case.valid => Ok(()),
        Err(Failure::Decoding(reason) | Failure::Loss(reason)) => Err(reason),
    }
}

enum Failure {
    /// The payload itself was refused.
    Decoding(String),
    /// Something was lost or spoilt on the way.
    Loss(String),
}

fn loss(reason: impl Into<String>) -> Failure {
    Failure::Loss(reason.into())
}

const BOTH: [Representation; 2] = [Representation::Json, Representation::Xml];

fn check_resource(case: &Case, representation: Representation) -> Result<(), Failure> {
    let limits = Limits::default();
    let resource = Resource::decode(&case.body, representation, &limits)
        .map_err(|error| Failure::Decoding(error.to_string()))?;
    let is_input = case.kind == "request-input";
    for target in BOTH {
        let bytes = if is_input {
            Input::from(resource.borrowed()).encode(target)
        } else {
            resource.encode(target)
        };
        let again = Resource::decode(&bytes, target, &limits)
            .map_err(|error| loss(format!("written as {target:?}: {error}")))?;
        compare(&resource, &again, target)?;
    }
    if resource.clone().into_owned() != resource {
        return Err(loss("the owned twin differs"));
    }
    match &*case.kind {
        "error" => {
            let problem = Problem::from_generic(resource.clone());
            for target in BOTH {
                let bytes = problem.encode(target);
                let again = Problem::decode(&bytes, target, &limits)
                    .map_err(|error| loss(error.to_string()))?;
                if again != problem {
                    return Err(loss(format!("the problem differs after {target:?}")));
                }
            }
        }
        "token" if resource.property("access_token").is_some() => {
            let token = TokenResponse::decode(&case.body, &limits)
                .map_err(|error| Failure::Decoding(error.to_string()))?;
            let bytes = token.encode();
            if TokenResponse::decode(&bytes, &limits).as_ref() != Ok(&token) {
                return Err(loss("the token differs when written"));
            }
        }
        _ if is_input => {
            if let Some(capability) = &case.capability {
                check_view(&resource, |resource| {
                    through_input_view(capability, resource)
                })?;
            }
        }
        _ => check_views(resource.rel(), &resource)?,
    }
    Ok(())
}

fn check_page(body: &[u8], representation: Representation) -> Result<(), Failure> {
    let limits = Limits::default();
    let page = EventPage::decode(body, representation, &limits)
        .map_err(|error| Failure::Decoding(error.to_string()))?;
    if let Some(part) = page.malformed.first() {
        return Err(Failure::Decoding(part.error.to_string()));
    }
    for target in BOTH {
        let bytes = page.encode(target);
        let again = EventPage::decode(&bytes, target, &limits)
            .map_err(|error| loss(format!("written as {target:?}: {error}")))?;
        let equal = match target {
            Representation::Json => page == again,
            Representation::Xml => untyped_page(&page) == untyped_page(&again),
        };
        if !equal {
            return Err(loss(format!("the page differs after {target:?}")));
        }
    }
    for (_, event) in page.events() {
        if let Some(resource) = event.resource() {
            check_views(resource.rel().or(Some(&event.link.rel)), resource)?;
        }
    }
    Ok(())
}

fn check_batch(body: &[u8]) -> Result<(), Failure> {
    let limits = Limits::default();
    let (count, bytes, again) = match (
        Response::decode_batch(body, None, &limits),
        Request::decode_batch(body, None, &limits),
    ) {
        (Ok(responses), _) => {
            let batch = Response::encode_batch(&responses, "again");
            let again = Response::decode_batch(&batch.body, None, &limits).map(|parts| {
                let same = |(a, b): (&Response<'_>, &Response<'_>)| {
                    a.status == b.status && a.body == b.body
                };
                parts.len() == responses.len() && parts.iter().zip(&responses).all(same)
            });
            (
                responses.len(),
                responses
                    .iter()
                    .map(|part| part.body.to_vec())
                    .collect::<Vec<_>>(),
                again,
            )
        }
        (_, Ok(requests)) => {
            let batch = Request::encode_batch(&requests, "again");
            let again = Request::decode_batch(&batch.body, None, &limits).map(|parts| {
                let same = |(a, b): (&Request<'_>, &Request<'_>)| {
                    a.target == b.target && a.method == b.method && a.body == b.body
                };
                parts.len() == requests.len() && parts.iter().zip(&requests).all(same)
            });
            (
                requests.len(),
                requests.iter().map(|part| part.body.to_vec()).collect(),
                again,
            )
        }
        (Err(error), Err(_)) => return Err(Failure::Decoding(error.to_string())),
    };
    if count == 0 {
        return Err(Failure::Decoding("the batch has no parts".to_owned()));
    }
    for body in bytes.iter().filter(|body| !body.is_empty()) {
        let representation = if body.trim_ascii_start().starts_with(b"<") {
            Representation::Xml
        } else {
            Representation::Json
        };
        let resource = Resource::decode(body, representation, &limits)
            .map_err(|error| Failure::Decoding(error.to_string()))?;
        check_views(resource.rel(), &resource)?;
    }
    match again {
        Ok(true) => Ok(()),
        Ok(false) => Err(loss("the batch differs when written")),
        Err(error) => Err(loss(error.to_string())),
    }
}

fn compare(
    resource: &Resource<'_>,
    again: &Resource<'_>,
    target: Representation,
) -> Result<(), Failure> {
    let equal = match target {
        Representation::Json => resource == again || untyped(resource) == untyped(again),
        Representation::Xml => untyped(resource) == untyped(again),
    };
    if equal {
        Ok(())
    } else {
        Err(loss(format!("it differs after {target:?}")))
    }
}

/// The view of a resource and of everything within it.
fn check_views(rel: Option<&str>, resource: &Resource<'_>) -> Result<(), Failure> {
    if let Some(rel) = rel {
        check_view(resource, |resource| through_view(rel, resource))?;
    }
    for (key, embedded) in &resource.embedded {
        for resource in embedded.as_slice() {
            check_views(resource.rel().or(Some(key)), resource)?;
        }
    }
    Ok(())
}

type Through = Option<Result<Resource<'static>, ucwa_proto::FieldError>>;

/// Whether a view, if there is one, reads the resource, invents nothing, and survives both representations.
fn check_view(
    resource: &Resource<'_>,
    view: impl Fn(&Resource<'_>) -> Through,
) -> Result<(), Failure> {
    let Some(known) = view(resource) else {
        return Ok(());
    };
    let known = known.map_err(|error| loss(error.to_string()))?;
    for (name, value) in &known.properties {
        if !resource
            .property(name)
            .is_some_and(|original| means_the_same(original, value))
        {
            return Err(loss(format!("the view spoils the property `{name}`")));
        }
    }
    for (rel, links) in &known.links {
        if links.as_slice()
            != resource
                .links(rel)
                .get(..links.as_slice().len())
                .unwrap_or_default()
        {
            return Err(loss(format!("the view spoils the link `{rel}`")));
        }
    }
    for target in BOTH {
        let bytes = known.encode(target);
        let again = Resource::decode(&bytes, target, &Limits::default())
            .map_err(|error| loss(error.to_string()))?;
        match view(&again) {
            Some(Ok(again)) if again == known => {}
            _ => return Err(loss(format!("the view differs after {target:?}"))),
        }
    }
    Ok(())
}

/// Whether two values are the same but for the spelling of booleans, numbers and dates.
fn means_the_same(original: &Value<'_>, typed: &Value<'_>) -> bool {
    let date = |value: &Value<'_>| value.as_str().and_then(|text| DateTime::parse(text).ok());
    untyped_value(original) == untyped_value(typed)
        || matches!((date(original), date(typed)), (Some(a), Some(b)) if a == b)
        || matches!((original.as_bool(), typed.as_bool()), (Some(a), Some(b)) if a == b)
        || matches!(typed, Value::List(items) if items.iter().map(untyped_value).eq(original.as_list().iter().map(untyped_value)))
}

/// The resource with every scalar as text, as XML has it.
fn untyped<'a>(resource: &Resource<'a>) -> Resource<'a> {
    let mut resource = resource.clone();
    // What stands beside an XML attribute `rel` as a property is the name that JSON has.
    if let Some(Value::String(name)) = resource.property("rel").cloned() {
        resource
            .properties
            .retain(|(property, _)| property != "rel");
        resource.rel = Some(name);
    }
    for (_, value) in &mut resource.properties {
        *value = untyped_value(value);
    }
    for (_, links) in &mut resource.links {
        let mut bare = links.as_slice().to_vec();
        for link in &mut bare {
            for (_, value) in &mut link.attributes {
                *value = untyped_value(value);
            }
        }
        *links = ucwa_proto::OneOrMany::Many(bare);
    }
    for (_, embedded) in &mut resource.embedded {
        *embedded = ucwa_proto::OneOrMany::Many(embedded.as_slice().iter().map(untyped).collect());
    }
    resource
}

fn untyped_value<'a>(value: &Value<'a>) -> Value<'a> {
    match value {
        Value::Bool(value) => Value::String(Cow::Borrowed(if *value { "True" } else { "False" })),
        Value::Number(number) => Value::String(Cow::Owned(number.to_string())),
        Value::List(items) => Value::List(items.iter().map(untyped_value).collect()),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (name.clone(), untyped_value(value)))
                .collect(),
        ),
        Value::Null | Value::String(_) => value.clone(),
    }
}

/// The page with every scalar as text and without what XML has no place for.
fn untyped_page<'a>(page: &EventPage<'a>) -> EventPage<'a> {
    let mut page = page.clone();
    page.properties.clear();
    for event in page
        .senders
        .iter_mut()
        .flat_map(|sender| &mut sender.events)
    {
        event.properties.clear();
        if let Some(resource) = &mut event.embedded {
            // Where the resource is nameless, XML names it by its role.
            let rel = resource
                .rel
                .take()
                .unwrap_or_else(|| event.link.rel.clone());
            *resource = untyped(resource);
            resource.rel = Some(rel);
        }
    }
    page
}

/// The JSON and the XML half of every pair that should have one structure.
fn pairs(cases: &[Case]) -> Vec<(&Case, &Case)> {
    let mut halves: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in cases
        .iter()
        .filter(|case| case.valid && case.equal_structure)
    {
        if let Some(pair) = &case.pair {
            halves.entry(pair).or_default().push(case);
        }
    }
    halves
        .values()
        .filter_map(|halves| Some((*halves.first()?, *halves.get(1)?)))
        .collect()
}

fn check_pair(first: &Case, second: &Case) -> Result<(), String> {
    let shape = |case: &Case| -> Result<Vec<String>, String> {
        let Format::Plain(representation) = case.format else {
            return Ok(Vec::new());
        };
        let limits = Limits::default();
        let mut shape = Vec::new();
        if case.kind == "event" {
            let page = EventPage::decode(&case.body, representation, &limits)
                .map_err(|error| error.to_string())?;
            for (at, sender) in page.senders.iter().enumerate() {
                for event in &sender.events {
                    let path = format!(
                        "/sender {at} {} {} {}",
                        sender.rel, event.kind, event.link.rel
                    );
                    shape.push(path.clone());
                    if let Some(resource) = event.resource() {
                        describe(resource, Some(&event.link.rel), &path, &mut shape);
                    }
                }
            }
        } else {
            let resource = Resource::decode(&case.body, representation, &limits)
                .map_err(|error| error.to_string())?;
            describe(&resource, None, "", &mut shape);
        }
        shape.sort();
        Ok(shape)
    };
    let (first, second) = (shape(first)?, shape(second)?);
    let missing = first.iter().find(|line| !second.contains(line));
    let added = second.iter().find(|line| !first.contains(line));
    match (missing, added) {
        (None, None) if first.len() == second.len() => Ok(()),
        (None, None) => Err("the numbers of things differ".to_owned()),
        (missing, added) => Err(format!(
            "only there: {}; only here: {}",
            missing.map_or("-", |m| m),
            added.map_or("-", |a| a)
        )),
    }
}

/// Everything that a resource has, but for the values of scalars. One that does not say its own name has that of its
/// key.
fn describe(resource: &Resource<'_>, key: Option<&str>, path: &str, shape: &mut Vec<String>) {
    shape.push(format!("{path}/ rel {:?}", resource.rel().or(key)));
    shape.push(format!("{path}/ href {}", resource.href().is_some()));
    for (name, value) in &resource.properties {
        let kind = match value {
            Value::List(_) => "list",
            Value::Object(_) => "bag",
            _ => "scalar",
        };
        shape.push(format!("{path}/ {kind} {name}"));
    }
    for (rel, links) in resource.links.iter().filter(|(rel, _)| rel != "self") {
        shape.push(format!("{path}/ {} link {rel}", links.as_slice().len()));
    }
    for (rel, embedded) in &resource.embedded {
        for (at, resource) in embedded.as_slice().iter().enumerate() {
            describe(resource, Some(rel), &format!("{path}/{rel} {at}"), shape);
        }
    }
}
