//! `groups`: reads and changes the groups of the contact list.

mod options;

use serde::Serialize;
use skype_p2p::{Group, GroupType, PersonsAndGroupsManager, Reason};

pub use self::options::{GroupsCommand, GroupsCreate, GroupsList, GroupsRemove, GroupsRename};
use crate::{
    End,
    config::Settings,
    console::Console,
    failure::Failure,
    json_line::{self, VERSION},
    output::Output,
    session::{Session, refused},
    timeline::printable,
};

pub(crate) async fn run(
    command: GroupsCommand,
    settings: &Settings,
    console: Console,
) -> Result<End, Failure> {
    let session = Session::new(command.session(), settings, console)?;
    let manager = session.application().persons_and_groups_manager();
    session
        .run(async |output| match &command {
            GroupsCommand::List(args) => list(&manager, args, output).await,
            GroupsCommand::Create(args) => create(&manager, args, output).await,
            GroupsCommand::Rename(args) => rename(&manager, args, output).await,
            GroupsCommand::Remove(args) => remove(&manager, args, output).await,
        })
        .await
}

/// The group of the contact list with this name or ID. A name matches in any case if no group has it as it is written;
/// `Favorites` and `Others` are also the groups of these types, whatever their names.
///
/// # Errors
///
/// If there is no such group, or several have the name, or the server refuses the list.
pub(crate) async fn find_group(
    manager: &PersonsAndGroupsManager,
    name: &str,
) -> Result<Group, Failure> {
    let groups = read(manager).await?;
    let rules: [&dyn Fn(&Group) -> bool; 4] = [
        &|group| group.id().get().as_deref() == Some(name),
        &|group| group_label(group) == name,
        &|group| group_label(group).to_lowercase() == name.to_lowercase(),
        &|group| {
            let of_one_kind =
                matches!(group.group_type(), GroupType::Favorites | GroupType::Others);
            of_one_kind && group_type(group).eq_ignore_ascii_case(name)
        },
    ];
    for rule in rules {
        let mut found = groups.iter().filter(|group| rule(group));
        if let Some(group) = found.next() {
            if found.next().is_some() {
                let sentence = format!("Several groups are called {name:?}.");
                return Err(Failure::other(sentence)
                    .with_hint("give the ID of the group, which groups list --json writes"));
            }
            return Ok(group.clone());
        }
    }
    let sentence = format!("There is no group called {name:?} in the contact list.");
    Err(Failure::other(sentence).with_hint("skype-p2p groups list writes the names"))
}

/// The name of a group, or the privacy level or the type of a group without a name.
pub(crate) fn group_label(group: &Group) -> String {
    let name = group.name().get().filter(|name| !name.is_empty());
    name.or_else(|| level(group))
        .unwrap_or_else(|| group_type(group))
}

fn group_type(group: &Group) -> String {
    format!("{:?}", group.group_type())
}

fn level(group: &Group) -> Option<String> {
    group.relationship_level().map(|level| format!("{level:?}"))
}

/// All groups of the contact list.
async fn read(manager: &PersonsAndGroupsManager) -> Result<Vec<Group>, Failure> {
    let groups = manager.all().groups().fetch().await;
    groups.map_err(|reason| refused("Cannot read the groups", &reason))
}

async fn list(
    manager: &PersonsAndGroupsManager,
    args: &GroupsList,
    output: &mut Output,
) -> Result<End, Failure> {
    for group in read(manager).await? {
        if args.lines.json {
            output.line(object("group", &group, None));
        } else {
            let line = format!("{:<24} {}", group_label(&group), group_type(&group));
            output.line(printable(&line));
        }
    }
    Ok(End::Well)
}

async fn create(
    manager: &PersonsAndGroupsManager,
    args: &GroupsCreate,
    output: &mut Output,
) -> Result<End, Failure> {
    let what = format!("Cannot create the group {:?}", args.name);
    let refused = |reason: Reason| refused(&what, &reason);
    // The library refuses a name that another group of the list has.
    read(manager).await?;
    let groups = manager.all().groups();
    let _following = groups.subscribe();
    let group = manager.create_group(&args.name);
    groups.add(&group).await.map_err(refused)?;
    // The group has its ID when the server has reported it.
    let known = group.id().wait_for_matching(Option::is_some).await;
    known.map_err(|_| Failure::session_ended(None))?;
    write(
        output,
        args.lines.json,
        "group.created",
        &group,
        None,
        || format!("Created the group {:?}.", args.name),
    );
    Ok(End::Well)
}

async fn rename(
    manager: &PersonsAndGroupsManager,
    args: &GroupsRename,
    output: &mut Output,
) -> Result<End, Failure> {
    let group = find_group(manager, &args.name).await?;
    let old = group_label(&group);
    let renamed = group.set_name(&args.new_name).await;
    renamed.map_err(|reason| refused(&format!("Cannot rename the group {old:?}"), &reason))?;
    let new = Some(args.new_name.as_str());
    write(
        output,
        args.lines.json,
        "group.renamed",
        &group,
        new,
        || format!("Renamed the group {old:?} to {:?}.", args.new_name),
    );
    Ok(End::Well)
}

async fn remove(
    manager: &PersonsAndGroupsManager,
    args: &GroupsRemove,
    output: &mut Output,
) -> Result<End, Failure> {
    let group = find_group(manager, &args.name).await?;
    let name = group_label(&group);
    let removed = manager.all().groups().remove(&group).await;
    removed.map_err(|reason| refused(&format!("Cannot remove the group {name:?}"), &reason))?;
    write(
        output,
        args.lines.json,
        "group.removed",
        &group,
        None,
        || format!("Removed the group {name:?}."),
    );
    Ok(End::Well)
}

/// Writes the result of a change.
fn write(
    output: &mut Output,
    json: bool,
    event: &'static str,
    group: &Group,
    new_name: Option<&str>,
    sentence: impl FnOnce() -> String,
) {
    if json {
        output.line(object(event, group, new_name));
    } else {
        output.line(printable(&sentence()));
    }
}

/// The JSON object of a group. `new_name` is a name that the server has accepted and not reported yet.
fn object(event: &'static str, group: &Group, new_name: Option<&str>) -> String {
    #[derive(Serialize)]
    struct Json {
        version: u32,
        event: &'static str,
        id: Option<String>,
        name: Option<String>,
        group_type: String,
        uri: Option<String>,
        privacy_level: Option<String>,
    }
    let json = Json {
        version: VERSION,
        event,
        id: group.id().get(),
        name: new_name.map(str::to_owned).or_else(|| group.name().get()),
        group_type: group_type(group),
        uri: group.uri().get(),
        privacy_level: level(group),
    };
    json_line::line(&json)
}
