//! Changing strings in the XML of UCWA, and nothing else of it.

use quick_xml::{
    Error, Reader,
    escape::{escape, unescape},
    events::{BytesStart, Event},
};

/// Gives each value of a property, and each `href` and `title` of an element, to `edit` with its name, and puts what that returns in its
/// place. All other bytes stay.
pub(super) fn rewrite(
    text: &str,
    mut edit: impl FnMut(&str, &str) -> Option<String>,
) -> Result<String, Error> {
    let mut reader = Reader::from_str(text);
    let mut result = String::with_capacity(text.len());
    let mut copied = 0;
    let mut list = None;
    loop {
        let begins = position(&reader);
        let event = reader.read_event()?;
        let ends = position(&reader);
        let (Event::Start(tag) | Event::Empty(tag)) = &event else {
            if matches!(event, Event::Eof) {
                break;
            }
            continue;
        };
        let whole = text.get(begins..ends).unwrap_or_default();
        result.push_str(text.get(copied..begins).unwrap_or_default());
        result.push_str(&edited_tag(whole, tag, &mut edit)?);
        copied = ends;

        let member = match tag.name().as_ref() {
            "propertyList" => {
                list = attribute(tag, "name")?;
                None
            }
            "property" => attribute(tag, "name")?,
            "item" => list.clone(),
            _ => None,
        };
        if let (Event::Start(tag), Some(member)) = (&event, member) {
            let raw = reader.read_text(tag.name())?;
            let raw: &str = &raw;
            match edit(&member, &unescape(raw)?) {
                Some(edited) => result.push_str(&escape(&edited)),
                None => result.push_str(raw),
            }
            copied = ends + raw.len();
        }
    }
    result.push_str(text.get(copied..).unwrap_or_default());
    Ok(result)
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn edited_tag(
    whole: &str,
    tag: &BytesStart<'_>,
    edit: &mut impl FnMut(&str, &str) -> Option<String>,
) -> Result<String, Error> {
    let mut edited = whole.to_owned();
    for name in ["href", "title"] {
        let Some(value) = attribute(tag, name)? else {
            continue;
        };
        let Some(new) = edit(name, &value) else {
            continue;
        };
        let raw = tag.try_get_attribute(name)?;
        let raw = raw.map(|it| it.value).unwrap_or_default();
        for quote in ['"', '\''] {
            edited = edited.replace(
                &format!("{name}={quote}{raw}{quote}"),
                &format!("{name}={quote}{}{quote}", escape(&new)),
            );
        }
    }
    Ok(edited)
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, Error> {
    let Some(attribute) = tag.try_get_attribute(name)? else {
        return Ok(None);
    };
    Ok(Some(unescape(&attribute.value)?.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_and_two_attributes_are_changed() {
        let text = "<?xml version=\"1.0\"?>\n<!-- name --><resource rel=\"me\" href='data:a&amp;b' ><link title=\"T &lt;M\" rel=\"title\"/>\
            <property name=\"name\">A &amp; B</property><property name=\"x\">A</property><property name=\"e\"/>\
            <propertyList name=\"list\"><item>a</item><item>b</item></propertyList></resource>\n";
        let mut seen = Vec::new();
        let edited = rewrite(text, |member, value| {
            seen.push(format!("{member}={value}"));
            (member != "x").then(|| format!("<{member}>"))
        });
        assert_eq!(
            edited.unwrap(),
            "<?xml version=\"1.0\"?>\n<!-- name --><resource rel=\"me\" href='&lt;href&gt;' ><link title=\"&lt;title&gt;\" rel=\"title\"/>\
            <property name=\"name\">&lt;name&gt;</property><property name=\"x\">A</property><property name=\"e\"/>\
            <propertyList name=\"list\"><item>&lt;list&gt;</item><item>&lt;list&gt;</item></propertyList></resource>\n"
        );
        assert_eq!(
            seen,
            [
                "href=data:a&b",
                "title=T <M",
                "name=A & B",
                "x=A",
                "list=a",
                "list=b"
            ]
        );
    }

    #[test]
    fn what_is_no_xml_is_an_error() {
        for text in ["<a", "<a></b>", "<property name=\"x\">", "<a href=1/>"] {
            rewrite(text, |_, _| None).unwrap_err();
        }
    }
}
