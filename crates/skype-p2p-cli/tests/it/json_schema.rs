//! The JSON lines are those of the schema in the guide.

use serde_json::Value;

use crate::process::{LENE, PASSWORD, Process, TOSH, command, lene, send, server};

const SCHEMA: &str = include_str!("../../../../docs/src/json-lines.schema.json");

/// Checks a value against a part of the schema, with the keywords that the schema uses.
fn check(schema: &Value, part: &Value, value: &Value, place: &str) -> Result<(), String> {
    if let Some(name) = part["$ref"].as_str() {
        let part = schema.pointer(name.trim_start_matches('#')).unwrap();
        return check(schema, part, value, place);
    }
    let wrong = |what: &str| Err(format!("{place}: {what}: {value}"));
    if part.get("const").is_some_and(|it| it != value) {
        return wrong("another constant");
    }
    if let Some(values) = part["enum"].as_array()
        && !values.contains(value)
    {
        return wrong("not one of the values");
    }
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = match &part["type"] {
        Value::Null => true,
        Value::Array(names) => names.contains(&name.into()),
        one => one == name,
    };
    if !fits {
        return wrong("another type");
    }
    for item in value.as_array().into_iter().flatten() {
        check(schema, &part["items"], item, place)?;
    }
    let Some(members) = value.as_object() else {
        return Ok(());
    };
    for required in part["required"].as_array().unwrap() {
        if !members.contains_key(required.as_str().unwrap()) {
            return wrong(&format!("{required} is missing"));
        }
    }
    for (name, member) in members {
        match part["properties"].get(name) {
            Some(part) => check(schema, part, member, &format!("{place}.{name}"))?,
            None => return wrong(&format!("{name} is not in the schema")),
        }
    }
    Ok(())
}

/// Checks that a line is an object of this part of the schema.
pub(crate) fn assert_valid(part: &str, line: &Value) {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let checked = check(&schema, &schema["$defs"][part], line, "line");
    checked.unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn every_line_of_probe_is_as_the_schema_says() {
    let (_server, root) = server();
    for (code, more) in [
        (0, &["--to", LENE][..]),
        (
            1,
            &[
                "--to",
                LENE,
                "--fault",
                "status=403,path=/messagingInvitations",
            ],
        ),
        (4, &["--to", "nobody@contoso.com"]),
    ] {
        let arguments = ["probe", "--root", &root, "--user", TOSH, "--json"];
        let mut probe = command(arguments.iter().chain(more));
        probe.env("SKYPE_P2P_TO_PASSWORD", PASSWORD);
        let probed = Process::start(probe).end();
        assert_eq!(probed.code, Some(code), "{}", probed.stderr);
        let line: Value = serde_json::from_str(&probed.stdout[0]).unwrap();
        assert_valid("probe", &line);
    }
}

#[cfg(unix)]
#[test]
fn every_line_of_listen_and_send_is_as_the_schema_says() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let valid = |part: &str, line: &Value| {
        let part = &schema["$defs"][part];
        check(&schema, part, line, "line").unwrap_or_else(|why| panic!("{why}"));
    };
    let (_server, root) = server();
    let mut lene = lene(&root, &["--echo"]);
    let more = ["--json", "--to", "nobody@contoso.com", "--wait", "1"];
    let rest = ["--subject", "Lunch", "--html", "<b>Hi</b>"];
    let sent = send(&root, TOSH, LENE, &[&more[..], &rest].concat());
    let mut results = 0;
    for line in sent.objects() {
        if line["event"] == "send.result" {
            results += 1;
            valid("result", &line);
        } else {
            valid("observation", &line);
        }
    }
    assert_eq!(results, 2, "{sent:?}");
    assert_eq!(sent.stdout.len(), 3, "an echo: {sent:?}");

    let mut events = std::collections::BTreeSet::new();
    loop {
        let line: Value = serde_json::from_str(&lene.line()).unwrap();
        valid("observation", &line);
        events.insert(line["event"].to_string());
        if line["event"] == "conversation.state" && line["new"] == "Disconnected" {
            break;
        }
    }
    assert!(events.len() >= 5, "{events:?}");

    // The check itself finds a mistake.
    let wrong = serde_json::json!({ "version": 2 });
    assert!(check(&schema, &schema["$defs"]["result"], &wrong, "line").is_err());
}
