//! Names come from files, which may hold anything.

use super::*;
use proptest::prelude::*;

/// The tags of a page in their order, each with its attributes' names: what no text may change.
fn skeleton(html: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        if rest.starts_with("<!--") {
            rest = &rest[rest.find("-->").expect("a comment ends")..];
            tags.push("comment".into());
            continue;
        }
        let (mut end, mut quoted, mut tag) = (0, false, String::new());
        for (place, letter) in rest.char_indices() {
            match letter {
                '"' => quoted = !quoted,
                '>' if !quoted => {
                    end = place;
                    break;
                }
                _ if !quoted => tag.push(letter),
                _ => {}
            }
        }
        assert!(end > 0, "a tag ends: {}", &rest[..rest.len().min(80)]);
        rest = &rest[end..];
        // Nothing is unescaped within these, and only their own end tag ends them.
        for raw in ["script", "style"] {
            if tag.starts_with(&format!("<{raw}")) {
                rest = &rest[rest.find(&format!("</{raw}")).expect("it ends")..];
            }
        }
        tags.push(tag);
    }
    tags
}

/// The JSON texts in a page.
fn charts(html: &str) -> Vec<serde_json::Value> {
    let open = "<script type=\"application/json\">";
    let text = |part: &str| serde_json::from_str(&part[..part.find("</script>").unwrap()]).unwrap();
    html.split(open).skip(1).map(text).collect()
}

fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("<script>alert(1)</script>".to_string()),
        Just("</script>".to_string()),
        Just("</title></style>-->".to_string()),
        Just("\" onload=\"x".to_string()),
        Just("' <!-- ".to_string()),
        Just("&amp;&#60;".to_string()),
        "\\PC{0,12}",
    ];
    proptest::collection::vec(pieces, 1..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn names_change_no_tag(run in hostile(), first in hostile(), second in hostile()) {
        prop_assume!(!run.is_empty()); // a folder has a name, and so has its command
        let plain = everything("run", ["one", "two"]);
        let html = everything(&run, [&first, &second]);
        prop_assert_eq!(skeleton(&html), skeleton(&plain));
        // What the script reads is what was said.
        let names: Vec<_> = charts(&html).iter().map(|chart| chart["series"][0]["name"].clone()).collect();
        prop_assert!(names.contains(&serde_json::Value::String(run)));
    }
}

#[test]
fn what_a_study_says_is_text() {
    let text = "# <b onclick=x>\n\n<script>alert(1)</script>\n\n[here](javascript:x) ![plot](http://a.example/b.png) \
     **bold**\n\n\
                | <i> |\n|---|\n| a `<u>` |\n";
    let study = StudyReport { name: "s".into(), text: Some(text.into()), ..StudyReport::default() };
    let html = page(&[Part::Study(&study)]).unwrap();
    for text in ["<b onclick", "<script>alert", "javascript:", "a.example", "<i>", "<u>"] {
        assert!(!html.contains(text), "{text}");
    }
    assert!(html.contains("&lt;script&gt;alert(1)") && html.contains("<strong>bold</strong>") && html.contains("here"));
    assert!(html.contains("<th scope=\"col\">&lt;i&gt;</th>"));
}

#[test]
fn only_plain_pictures_are_drawn_in_the_page() {
    let shown = |svg: &str| {
        let pictures = vec![StudyPicture { name: "p".into(), svg: svg.into(), png: None }];
        let html = page(&[Part::Study(&StudyReport { name: "s".into(), pictures, ..StudyReport::default() })]).unwrap();
        html[html.find("<div class=\"study\">").unwrap()..].to_string()
    };
    let plain =
        "<svg width=\"9\" viewBox=\"0 0 9 9\"><rect x=\"0\" y=\"0\" fill=\"#FFFFFF\"/><text x=\"1\">a</text></svg>";
    assert!(shown(plain).contains("<svg role=\"img\"") && shown(plain).contains("fill=\"var(--paper)\""));
    for other in [
        "<svg viewBox=\"0 0 9 9\"><script>x</script></svg>",
        "<svg viewBox=\"0 0 9 9\"><rect onclick=\"x\"/></svg>",
        "<svg viewBox=\"0 0 9 9\"><rect/onclick=\"x\"/></svg>",
        "<svg viewBox=\"0 0 9 9\"><rect\nonclick = \"x\"/></svg>",
        "<svg viewBox=\"0 0 9 9\"><image href=\"http://a.example/\"/></svg>",
        "<svg viewBox=\"0 0 9 9\"></svg></figure><img src=x>",
        "no picture",
        "<svg onload=\"x\" viewBox=\"0 0 9 9\"></svg>",
        "<svg viewBox=\"0 0 9 9\"><!-- --><foreignObject/></svg>",
    ] {
        let html = shown(other);
        assert!(html.contains("<img src=\"data:image/svg+xml;base64,") && !html.contains("<svg"), "{other}");
    }
}
