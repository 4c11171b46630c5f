use serde_json::Value;

use crate::{
    json_schema::assert_valid,
    process::{Ended, LENE, PASSWORD, Process, TOSH, run, serve_file, user_of_file},
};

/// A server with contact cards, and its root URL.
fn server() -> (Process, String) {
    let card = "title = \"Engineer\"\ndepartment = \"Sales\"\nwork_phone = \"tel:+4712345678\"\n";
    let hostile = format!("[[user]]\nuri = \"alexd@contoso.com\"\npassword = {PASSWORD:?}\n");
    let users = [
        user_of_file(TOSH, "Tosh Meston"),
        user_of_file(LENE, "Lene Aaling") + card,
        hostile + "name = \"Lene Darrow\\u001b[2J\"\n",
    ];
    serve_file(users.concat())
}

fn search(root: &str, more: &[&str]) -> Ended {
    run(["search", "--root", root, "--user", TOSH]
        .iter()
        .chain(more))
}

#[test]
fn people_are_found_by_name_and_written_with_their_cards() {
    let (_server, root) = server();
    let mut found = search(&root, &["Lene"]);
    assert_eq!(found.code, Some(0), "{}", found.stderr);
    found.stdout.sort();
    let expected = [
        "alexd@contoso.com        Lene Darrow\\u{1b}[2J",
        "lenea@contoso.com        Lene Aaling, Engineer, Sales",
    ];
    assert_eq!(found.stdout, expected);

    let found = search(&root, &["--json", "Aaling"]);
    let person: Value = serde_json::from_str(&found.stdout[0]).unwrap();
    assert_valid("person", &person);
    assert_eq!(person["uri"], "sip:lenea@contoso.com");
    assert_eq!(person["name"], "Lene Aaling");
    assert_eq!(person["title"], "Engineer");
    assert_eq!(person["phone_numbers"][0]["number"], "tel:+4712345678");
    assert_eq!(found.stdout.len(), 1);
}

#[test]
fn a_limit_and_a_search_without_a_result_are_reported() {
    let (_server, root) = server();
    let limited = search(&root, &["--limit", "1", "Lene"]);
    assert_eq!(limited.code, Some(0), "{}", limited.stderr);
    assert_eq!(limited.stdout.len(), 1);
    assert!(
        limited.stderr.contains("more results"),
        "{}",
        limited.stderr
    );

    let nobody = search(&root, &["Nobody At All"]);
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.stdout.is_empty());
    assert_eq!(nobody.stderr, "skype-p2p: No person was found.\n");
    assert_eq!(search(&root, &["--limit", "0", "Lene"]).code, Some(2));
    assert_eq!(search(&root, &[""]).code, Some(2));
}

#[test]
fn a_refused_search_is_a_sentence_and_the_codes_are_behind_verbose() {
    let (_server, root) = server();
    let fault = ["--fault", "status=403,path=/search", "-v", "Lene"];
    let refused = search(&root, &fault);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    let mut lines = refused.stderr.lines();
    let sentence = "skype-p2p: Cannot search: the server refused the request.";
    assert_eq!(lines.next(), Some(sentence));
    assert!(lines.next().unwrap().contains("403"), "{}", refused.stderr);
}
