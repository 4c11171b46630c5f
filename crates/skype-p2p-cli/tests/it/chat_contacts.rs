//! The contact list and the presence in the client for the terminal.

use crate::{
    process::{LENE, Process, TOSH, command, lene, run, serve_file, user_of_file},
    tmux::Tmux,
};

/// A server with Tosh, Lene and John, and its root URL. Lene is in the group Team of Tosh.
fn server_with_contacts() -> (Process, String) {
    let users = [
        user_of_file(TOSH, "Tosh Meston"),
        "groups = { Team = [\"lenea@contoso.com\"] }\n".to_owned(),
        user_of_file(LENE, "Lene Aaling"),
        user_of_file("johnd@contoso.com", "John Doe"),
    ];
    serve_file(users.concat())
}

#[test]
fn a_contact_is_chosen_and_another_person_added() {
    let (_server, root) = server_with_contacts();
    let _lene = lene(&root, &[]);
    let listening = [
        "listen", "--root", &root, "--user", "johnd", "--accept", "all",
    ];
    let mut john = Process::start(command(listening));
    while !john.line().contains("SignedIn") {}
    let Some(tmux) = Tmux::signed_in(&root, TOSH) else {
        return;
    };
    tmux.press(&["C-o"]);
    tmux.wait_for("│Team ");
    tmux.wait_for("  ● Lene Aaling <lenea@contoso.com> (online)");
    tmux.press(&["Down", "Enter"]);
    tmux.wait_for(" Lene Aaling <lenea@contoso.com> (online)\n");
    tmux.type_text("Hi");
    tmux.press(&["Enter"]);
    tmux.wait_for("✓ Hi");
    tmux.press(&["C-g"]);
    tmux.type_text("johnd@contoso.com");
    tmux.press(&["Enter"]);
    tmux.wait_for("Lene Aaling, John Doe (3 people)");
    tmux.wait_for("John Doe joined");
    tmux.type_text("Hi, both");
    tmux.press(&["Enter"]);
    tmux.wait_for("✓ Hi, both");
    while !john.line().contains("Hi, both") {}
    tmux.press(&["C-x"]);
    tmux.wait_for("The conversation has ended");
}

#[test]
fn the_contact_list_is_changed_after_a_confirmation() {
    let (_server, root) = server_with_contacts();
    let Some(tmux) = Tmux::signed_in(&root, TOSH) else {
        return;
    };
    let listed = || {
        let list = run(["contacts", "list", "--root", &root, "--user", TOSH]);
        assert_eq!(list.code, Some(0), "{list:?}");
        list.stdout.join("\n")
    };
    tmux.press(&["C-t"]);
    tmux.wait_for("│Team ");
    tmux.wait_for("Lene Aaling <lenea@contoso.com>");
    tmux.press(&["n"]);
    tmux.type_text("Board");
    tmux.press(&["Enter"]);
    tmux.wait_for("│Board ");

    // Another group with the same name is refused.
    tmux.press(&["n"]);
    tmux.type_text("Board");
    tmux.press(&["Enter"]);
    tmux.wait_for("The group Board could not be created: ");

    select(&tmux, "Lene Aaling");
    tmux.press(&["m"]);
    tmux.wait_for("Move Lene Aaling from Team to:");
    select(&tmux, "Board");
    tmux.press(&["Enter"]);
    tmux.wait_until("Lene in the group Board", |screen| {
        let row = |text| screen.lines().position(|line| line.contains(text));
        row("Lene Aaling").is_some() && row("Lene Aaling") > row("│Board ")
    });
    assert!(listed().contains("Lene Aaling (Board)"), "{}", listed());

    select(&tmux, "Team");
    tmux.press(&["r"]);
    tmux.wait_for("new name: Team");
    tmux.type_text(" A");
    tmux.press(&["Enter"]);
    tmux.wait_for("│Team A ");
    select(&tmux, "Team A");
    tmux.press(&["a"]);
    tmux.wait_for("Add a contact");
    tmux.type_text("johnd@contoso.com");
    tmux.press(&["Enter"]);
    tmux.wait_for("John Doe <johnd@contoso.com>");
    assert!(listed().contains("John Doe (Team A)"), "{}", listed());

    // Enter alone keeps the contact.
    select(&tmux, "John Doe");
    tmux.press(&["d"]);
    tmux.wait_for("Remove John Doe?");
    tmux.press(&["Enter"]);
    tmux.wait_for("John Doe <johnd@contoso.com>");
    tmux.press(&["d"]);
    tmux.wait_for("Remove John Doe?");
    select(&tmux, "Remove from the contact list");
    tmux.press(&["Enter"]);
    tmux.wait_until("the contact list without John", |screen| {
        screen.contains("│Team A ") && !screen.contains("John Doe")
    });
    select(&tmux, "Team A");
    tmux.press(&["d"]);
    tmux.wait_for("Remove the group Team A?");
    tmux.press(&["Down", "Enter"]);
    tmux.wait_until("the contact list without the group", |screen| {
        screen.contains("│Board ") && !screen.contains("Team A")
    });
    let list = listed();
    assert!(
        list.contains("Lene Aaling") && !list.contains("John Doe"),
        "{list}"
    );
}

/// Selects the row of a dialog with this text. Its list begins in the third line below the border.
fn select(tmux: &Tmux, text: &str) {
    let screen = tmux.wait_for(text);
    let mut below = screen.lines().skip_while(|line| !line.contains('┌'));
    let row = below.by_ref().skip(3).position(|line| line.contains(text));
    tmux.press(&["Up"; 20]);
    tmux.press(&vec!["Down"; row.unwrap()]);
}

#[test]
fn the_own_status_and_note_are_published() {
    let (_server, root) = server_with_contacts();
    let Some(tmux) = Tmux::chat(&root, TOSH, &[]) else {
        return;
    };
    tmux.wait_for("Tosh Meston (online)");
    tmux.press(&["C-s"]);
    tmux.wait_for("● online (now)");
    tmux.type_text("At lunch");
    tmux.press(&["Down", "Down"]);
    tmux.press(&["Enter"]);
    tmux.wait_for("Tosh Meston (busy)");
    let presence = || {
        let get = run(["presence", "get", "--root", &root, "--user", "lenea", TOSH]);
        assert_eq!(get.code, Some(0), "{get:?}");
        get.stdout.join("\n")
    };
    let published = presence();
    assert!(published.contains("Busy"), "{published}");
    assert!(published.contains("At lunch"), "{published}");

    // The dialog begins with the note that is published.
    tmux.press(&["C-s"]);
    tmux.wait_for("note: At lunch");
    tmux.wait_for("■ busy (now)");
    tmux.press(&["C-u"]);
    tmux.press(&["Down", "Enter"]);
    tmux.wait_for("Tosh Meston (online)");
    let published = presence();
    assert!(!published.contains("At lunch"), "{published}");
}

/// Another device of Lene publishes the notes.
#[test]
fn the_note_of_a_person_is_followed() {
    let (_server, root) = server_with_contacts();
    let _lene = lene(&root, &[]);
    let publish = |note: &str| {
        let set = [
            "presence", "set", "--root", &root, "--user", "lenea", "Busy",
        ];
        let set = run([&set[..], &["--note", note]].concat());
        assert_eq!(set.code, Some(0), "{set:?}");
    };
    let Some(tmux) = Tmux::chat(&root, TOSH, &[]) else {
        return;
    };
    tmux.wait_for("There are no conversations.");
    tmux.press(&["C-o"]);
    tmux.wait_for("● Lene Aaling <lenea@contoso.com> (online) ");
    publish("Lunch");
    tmux.wait_for("■ Lene Aaling <lenea@contoso.com> (busy) │ Lunch");
    tmux.press(&["Down", "Enter"]);
    tmux.wait_for(" Lene Aaling <lenea@contoso.com> (busy) │ Lunch");
    publish("\u{1b}[31m\u{202e}Tea");
    tmux.wait_for(" Lene Aaling <lenea@contoso.com> (busy) │ ␛[31mTea");
    publish("");
    tmux.wait_for(" Lene Aaling <lenea@contoso.com> (busy)\n");
}
