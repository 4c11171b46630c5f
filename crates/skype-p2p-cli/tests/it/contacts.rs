use serde_json::Value;

use crate::{
    json_schema::assert_valid,
    process::{Ended, LENE, Process, TOSH, run, serve_file, user_of_file},
};

const ALEX: &str = "alexd@contoso.com";

/// A server on which Tosh has two groups, and its root URL.
fn server() -> (Process, String) {
    let lists = format!(
        "favorites = [{LENE:?}]\ndistribution_groups = [\"sales@contoso.com\"]\n\
         [user.groups]\nTeam = [{LENE:?}]\nCrew = []\n"
    );
    let sales = "[[distribution_group]]\nuri = \"sales@contoso.com\"\nname = \"Sales\"\n";
    let file = [
        user_of_file(TOSH, "Tosh Meston"),
        lists,
        user_of_file(LENE, "Lene Aaling"),
        user_of_file(ALEX, "Alex Darrow"),
        sales.to_owned(),
    ];
    serve_file(file.concat())
}

fn tosh(root: &str, command: [&str; 2], more: &[&str]) -> Ended {
    let options = ["--root", root, "--user", TOSH];
    run(command.iter().chain(&options).chain(more))
}

fn succeeds(ended: &Ended, lines: &[&str]) {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, lines);
    assert_eq!(ended.stderr, "");
}

fn fails(ended: &Ended, code: i32, sentence: &str) {
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    assert!(ended.stdout.is_empty(), "{:?}", ended.stdout);
    assert!(ended.stderr.contains(sentence), "{}", ended.stderr);
}

fn object(ended: &Ended, part: &str) -> Value {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.len(), 1, "{:?}", ended.stdout);
    let object = serde_json::from_str(&ended.stdout[0]).unwrap();
    assert_valid(part, &object);
    object
}

#[test]
fn contacts_are_added_moved_and_removed() {
    let (_server, root) = server();
    let list = |more: &[&str]| tosh(&root, ["contacts", "list"], more);
    let lene = "lenea@contoso.com        Lene Aaling (Pinned Contacts, Team)";
    succeeds(&list(&[]), &[lene]);

    let added = tosh(&root, ["contacts", "add"], &["alexd", "--group", "team"]);
    succeeds(&added, &["Added alexd@contoso.com to Team."]);
    let alex = "alexd@contoso.com        Alex Darrow (Team)";
    let mut both = list(&[]);
    both.stdout.sort();
    succeeds(&both, &[alex, lene]);

    let moving = ["sip:alexd@contoso.com", "--from", "Team", "--to", "Crew"];
    let moved = tosh(&root, ["contacts", "move"], &moving);
    succeeds(&moved, &["Moved alexd@contoso.com from Team to Crew."]);
    let alex = "alexd@contoso.com        Alex Darrow (Crew)";
    succeeds(&list(&["--group", "Crew"]), &[alex]);
    // The favorites have another name at the server.
    succeeds(&list(&["--group", "favorites"]), &[lene]);

    let removed = tosh(&root, ["contacts", "remove"], &[LENE, "--group", "Team"]);
    succeeds(&removed, &["Removed lenea@contoso.com from Team."]);
    let removed = tosh(&root, ["contacts", "remove"], &[LENE, ALEX]);
    let lines = ["Removed lenea@contoso.com.", "Removed alexd@contoso.com."];
    succeeds(&removed, &lines);
    succeeds(&list(&[]), &[]);
}

#[test]
fn the_groups_of_the_list_are_created_renamed_and_removed() {
    let (_server, root) = server();
    let groups = |command: &str, more: &[&str]| tosh(&root, ["groups", command], more);
    let listed = |more: &str| {
        let mut list = groups("list", &[]);
        list.stdout
            .retain(|line| !line.ends_with("PrivacyRelationship"));
        list.stdout.sort();
        let mut expected = vec![
            "Crew                     Custom",
            "Other Contacts           Others",
            "Pinned Contacts          Favorites",
            "Sales                    Distribution",
            "Team                     Custom",
        ];
        expected.extend(Some(more).filter(|more| !more.is_empty()));
        expected.sort_unstable();
        succeeds(&list, &expected);
    };
    listed("");
    succeeds(
        &groups("create", &["On call"]),
        &["Created the group \"On call\"."],
    );
    listed("On call                  Custom");
    let renamed = groups("rename", &["ON CALL", "Night shift"]);
    succeeds(
        &renamed,
        &["Renamed the group \"On call\" to \"Night shift\"."],
    );
    listed("Night shift              Custom");
    let removed = groups("remove", &["Night shift"]);
    succeeds(&removed, &["Removed the group \"Night shift\"."]);
    listed("");
    // A name cannot steer the terminal.
    let created = groups("create", &["Bell\u{7}\u{9b}2J"]);
    succeeds(&created, &["Created the group \"Bell\\u{7}\\u{9b}2J\"."]);
    listed("Bell\\u{7}\\u{9b}2J                 Custom");
    let add = [ALEX, "--group", "Bell\u{7}\u{9b}2J"];
    let added = tosh(&root, ["contacts", "add"], &add);
    succeeds(&added, &["Added alexd@contoso.com to Bell\\u{7}\\u{9b}2J."]);
    let list = tosh(&root, ["contacts", "list"], &["--group", add[2]]);
    let line = "alexd@contoso.com        Alex Darrow (Bell\\u{7}\\u{9b}2J)";
    succeeds(&list, &[line]);
}

#[test]
fn each_line_is_an_object_of_the_schema() {
    let (_server, root) = server();
    let list = object(&tosh(&root, ["contacts", "list"], &["--json"]), "contact");
    assert_eq!(list["uri"], "sip:lenea@contoso.com");
    assert_eq!(list["name"], "Lene Aaling");
    assert_eq!(
        list["groups"],
        serde_json::json!(["Pinned Contacts", "Team"])
    );

    let add = ["--json", ALEX, "--group", "Team"];
    let added = object(&tosh(&root, ["contacts", "add"], &add), "contact_change");
    assert_eq!(added["event"], "contact.added");
    assert_eq!(added["to_group"], "Team");
    let moving = ["--json", ALEX, "--from", "Team", "--to", "Crew"];
    let moved = object(
        &tosh(&root, ["contacts", "move"], &moving),
        "contact_change",
    );
    assert_eq!(moved["event"], "contact.moved");
    assert_eq!(moved["from_group"], "Team");
    let remove = ["--json", ALEX];
    let removed = object(
        &tosh(&root, ["contacts", "remove"], &remove),
        "contact_change",
    );
    assert_eq!(removed["event"], "contact.removed");
    assert_eq!(removed["from_group"], Value::Null);

    let group = |command: &str, more: &[&str]| {
        let more = [&["--json"], more].concat();
        object(&tosh(&root, ["groups", command], &more), "group")
    };
    let created = group("create", &["On call"]);
    assert_eq!(created["event"], "group.created");
    // A group is also found by its ID.
    let id = created["id"].as_str().unwrap();
    let renamed = group("rename", &[id, "Night shift"]);
    assert_eq!(renamed["event"], "group.renamed");
    assert_eq!(renamed["name"], "Night shift");
    assert_eq!(renamed["id"], id);
    let removed = group("remove", &[id]);
    assert_eq!(removed["event"], "group.removed");
    for line in tosh(&root, ["groups", "list"], &["--json"]).stdout {
        let line = serde_json::from_str(&line).unwrap();
        assert_valid("group", &line);
    }
}

#[test]
fn a_change_that_is_not_possible_is_a_sentence() {
    let (_server, root) = server();
    let contacts = |command: &str, more: &[&str]| tosh(&root, ["contacts", command], more);
    let groups = |command: &str, more: &[&str]| tosh(&root, ["groups", command], more);
    let nowhere = contacts("add", &[ALEX, "--group", "Nowhere"]);
    fails(
        &nowhere,
        1,
        "There is no group called \"Nowhere\" in the contact list.",
    );
    assert!(nowhere.stderr.contains("hint: "), "{}", nowhere.stderr);
    fails(
        &contacts("add", &[ALEX, "--group", "Sales"]),
        1,
        "Cannot add alexd@contoso.com: the persons in a group of this type cannot be changed.",
    );
    fails(
        &groups("rename", &["Sales", "Marketing"]),
        1,
        "Cannot rename the group \"Sales\": a group of this type cannot be renamed.",
    );
    fails(
        &groups("create", &["Team"]),
        1,
        "Cannot create the group \"Team\": another group has this name.",
    );
    fails(
        &groups("remove", &["Nowhere"]),
        1,
        "There is no group called",
    );
    // A person who cannot be added does not stop the others.
    let added = contacts("add", &["nobody@contoso.com", ALEX, "--group", "Team"]);
    assert_eq!(
        added.stdout.last().unwrap(),
        "Added alexd@contoso.com to Team."
    );
    // The first half of a move adds the person, and the second half has another path.
    let fault = ["--fault", "status=403,path=/groupMemberships/"];
    let half = [&[ALEX, "--from", "Team", "--to", "Crew"], &fault[..]].concat();
    fails(
        &contacts("move", &half),
        1,
        "Cannot move alexd@contoso.com: only the first half was done",
    );
    fails(&contacts("add", &["lenea@"]), 2, "is not a SIP address");
    fails(&groups("create", &[""]), 2, "");
}
