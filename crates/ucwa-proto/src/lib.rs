//! The words of UCWA 2.0 (Skype for Business Server): resources, links, events, errors, in JSON and in XML.
