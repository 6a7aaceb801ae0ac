//! From events to trees: anchors, merge keys, tags, keys, and Go's errors in Go's order.

use std::collections::{BTreeMap, HashMap};

use crate::event::{Event, EventKind, Scalar, Text};
use crate::grammar::Grammar;
use crate::resolve::{Resolved, resolve, resolve_with, tag};
use crate::{Error, Mark, Node, NodeKind, Span, Value, number, quote, usual, utf8};

/// How deep collections may nest. Go allows 10,000, which no stack-recursing consumer of a tree should have to bear.
const MAX_DEPTH: usize = 1_000;

/// All documents of a text, in order. An empty document is a `null` node; a text without documents gives none.
///
/// # Errors
/// With the message of `sigs.k8s.io/yaml` for the first document that is wrong.
pub fn parse(text: &str) -> Result<Vec<Node>, Error> {
    if let Some(document) = usual::read(text, None) {
        return Ok(vec![document]);
    }
    let mut reader = Reader::new(Grammar::new(text)?);
    let mut documents = Vec::new();
    while let Some(document) = reader.document()? {
        documents.push(document);
    }
    Ok(documents)
}

/// The first document of a text, which is all that Go's `Unmarshal` looks at; `None` where there is none.
///
/// # Errors
/// With the message of `sigs.k8s.io/yaml`.
pub fn parse_first(text: &str) -> Result<Option<Node>, Error> {
    match usual::read(text, None) {
        Some(document) => Ok(Some(document)),
        None => by_grammar(text),
    }
}

/// The first document, whatever its form.
pub(crate) fn by_grammar(text: &str) -> Result<Option<Node>, Error> {
    Reader::new(Grammar::new(text)?).document()
}

/// As [`parse_first`], but of a mapping only the entries with these keys are sure to be there, whatever the case of their
/// letters: all others are mostly looked at for errors alone.
///
/// # Errors
/// Those of [`parse_first`].
pub fn parse_fields(text: &str, fields: &[&str]) -> Result<Option<Node>, Error> {
    match usual::read(text, Some(fields)) {
        Some(document) => Ok(Some(document)),
        None => fields_by_grammar(text, fields),
    }
}

pub(crate) fn fields_by_grammar(text: &str, fields: &[&str]) -> Result<Option<Node>, Error> {
    let mut reader = Reader::new(Grammar::new(text)?);
    reader.fields = Some(fields);
    match reader.document() {
        Err(_) if reader.is_odd => by_grammar(text),
        read => read,
    }
}

/// How many errors of decoding are kept to tell which is the first: one would do, but for merged sequences.
const MAX_ERRORS: usize = 64;

/// A value that an anchor names.
enum Anchor {
    /// Still being read, a mapping or not: an alias to it would contain itself.
    Open { is_map: bool },
    /// With the number of nodes in it, aliases followed.
    Done(Node, usize, Option<NoKey>),
}

/// A scalar that JSON does not have as a key.
#[derive(Clone, Copy)]
enum NoKey {
    Null,
    /// Beyond `int64`.
    Huge(u64),
}

/// A node as read, with what the tree does not keep.
struct Read {
    node: Node,
    /// Where it stands itself; the node of an alias stands where its anchor does.
    at: Mark,
    /// Nodes in it, aliases followed.
    size: usize,
    /// `<<`, plain: its value is merged.
    merge: bool,
    /// Why it cannot be a key of JSON, if it is a scalar.
    no_key: Option<NoKey>,
}

/// A collection that is being read.
struct Open<'t> {
    anchor: Option<Text<'t>>,
    start: Mark,
    size: usize,
    content: Content,
}

/// What is in it so far.
enum Content {
    Seq(Vec<Node>),
    /// A key waits for its value.
    Map {
        entries: Vec<(Node, Node)>,
        key: Option<Read>,
    },
}

struct Reader<'t> {
    events: Grammar<'t>,
    anchors: HashMap<Text<'t>, Anchor>,
    /// Go decodes after it parsed: an error of decoding counts only where parsing succeeds. With the place where Go comes
    /// upon it; a mapping notices a bad key, or that there is nothing to merge, right before it looks at the value.
    decoding: Vec<(usize, bool, Error)>,
    /// And converts to JSON after that, what no later duplicate of a key has replaced: errors by where they stand.
    conversion: BTreeMap<usize, Error>,
    decoded: usize,
    aliased: usize,
    /// The entries of the top mapping that are kept, where not all are.
    fields: Option<&'t [&'t str]>,
    /// The scalar that was resolved last is this number, which only fits `uint64`.
    huge: Option<u64>,
    /// Something was left out that takes its whole value to tell whether it is right.
    is_odd: bool,
}

impl<'t> Reader<'t> {
    fn new(events: Grammar<'t>) -> Self {
        Self {
            events,
            anchors: HashMap::new(),
            decoding: Vec::new(),
            conversion: BTreeMap::new(),
            decoded: 0,
            aliased: 0,
            fields: None,
            huge: None,
            is_odd: false,
        }
    }

    fn document(&mut self) -> Result<Option<Node>, Error> {
        self.anchors.clear();
        if matches!(self.events.next()?.kind, EventKind::StreamEnd) {
            return Ok(None);
        }
        let first = self.events.next()?;
        let read = self.node(first)?;
        // The end of the document: whatever stands there is an error of the grammar.
        self.events.next()?;
        let mut conversion = std::mem::take(&mut self.conversion);
        let decoding = std::mem::take(&mut self.decoding);
        let first = decoding.into_iter().min_by_key(|(at, inside, _)| (*at, *inside));
        let failed = first.map(|(_, _, error)| error).or_else(|| {
            let at = if conversion.is_empty() { None } else { first_left(&read.node, &conversion) };
            at.and_then(|at| conversion.remove(&at))
        });
        failed.map_or(Ok(Some(read.node)), Err)
    }

    /// Reads the node that starts with `event`. Collections are kept on a stack of their own: however deep a text nests,
    /// the program's stack does not.
    fn node(&mut self, event: Event<'t>) -> Result<Read, Error> {
        let mut open: Vec<Open<'t>> = Vec::new();
        let mut event = event;
        loop {
            if self.fields.is_some() && self.is_left_out(&mut open, &event)? {
                self.skim(event)?;
                event = self.events.next()?;
                continue;
            }
            let Event { kind, start, end } = event;
            let read = match kind {
                EventKind::Scalar(scalar) => Some(self.scalar(scalar, Span { start, end })),
                EventKind::Alias(name) => Some(self.alias(&name, Span { start, end })?),
                EventKind::SequenceStart { anchor } => {
                    open.push(self.open(anchor, start, open.len(), Content::Seq(Vec::new()))?);
                    None
                }
                EventKind::MappingStart { anchor } => {
                    let content = Content::Map { entries: Vec::new(), key: None };
                    open.push(self.open(anchor, start, open.len(), content)?);
                    None
                }
                EventKind::SequenceEnd | EventKind::MappingEnd => open.pop().map(|open| self.close(open, end)),
                EventKind::StreamEnd | EventKind::DocumentStart | EventKind::DocumentEnd => {
                    return Err(Error::yaml("attempted to parse unknown event", start));
                }
            };
            if let Some(read) = read {
                match open.last_mut() {
                    Some(parent) => self.add(parent, read),
                    None => return Ok(read),
                }
            }
            event = self.events.next()?;
        }
    }

    /// Whether the value that begins with `event` is of no interest: then its key is forgotten.
    fn is_left_out(&mut self, open: &mut [Open<'t>], event: &Event<'t>) -> Result<bool, Error> {
        if matches!(event.kind, EventKind::Alias(_)) {
            return Err(self.odd(event.start));
        }
        let ([Open { content: Content::Map { key, .. }, .. }], Some(fields)) = (open, self.fields) else {
            return Ok(false);
        };
        let Some(read) = key.take_if(|read| !read.node.as_str().is_some_and(|key| is_one_of(key, fields))) else {
            return Ok(false);
        };
        let is_plain = matches!(&read.node.kind, NodeKind::Scalar(_)) && read.no_key.is_none();
        if is_plain && !read.merge { Ok(true) } else { Err(self.odd(event.start)) }
    }

    /// Passes over the node that begins with `event`, as long as nothing in it can be wrong but the grammar.
    fn skim(&mut self, event: Event<'t>) -> Result<(), Error> {
        // For each open collection, whether it is a mapping, and whether that expects a key.
        let mut open: Vec<(bool, bool)> = Vec::new();
        let mut event = event;
        loop {
            let is_key = matches!(open.last(), Some((true, true)));
            match event.kind {
                EventKind::Scalar(Scalar { anchor: None, tag: None, value, implicit }) => {
                    if implicit && (is_special_float(&value) || is_key && (value == "<<" || is_no_key(&value))) {
                        return Err(self.odd(event.start));
                    }
                }
                EventKind::SequenceStart { anchor: None } | EventKind::MappingStart { anchor: None }
                    if !is_key && open.len() < MAX_DEPTH / 2 =>
                {
                    open.push((matches!(event.kind, EventKind::MappingStart { .. }), true));
                    event = self.events.next()?;
                    continue;
                }
                EventKind::SequenceEnd | EventKind::MappingEnd => _ = open.pop(),
                _ => return Err(self.odd(event.start)),
            }
            match open.last_mut() {
                Some((_, expects_key)) => *expects_key = !*expects_key,
                None => return Ok(()),
            }
            event = self.events.next()?;
        }
    }

    /// Says that the whole document has to be read.
    fn odd(&mut self, at: Mark) -> Error {
        self.is_odd = true;
        Error::yaml("the document has to be read as a whole", at)
    }

    fn open(
        &mut self,
        anchor: Option<Text<'t>>,
        start: Mark,
        depth: usize,
        content: Content,
    ) -> Result<Open<'t>, Error> {
        self.decoded += 1;
        if depth >= MAX_DEPTH {
            return Err(Error::yaml(format_args!("line {}: exceeded max depth of {MAX_DEPTH}", start.line), start));
        }
        if let Some(name) = &anchor {
            let is_map = matches!(content, Content::Map { .. });
            self.anchors.insert(name.clone(), Anchor::Open { is_map });
        }
        Ok(Open { anchor, start, size: 1, content })
    }

    fn close(&mut self, open: Open<'t>, end: Mark) -> Read {
        let Open { anchor, start, size, content } = open;
        let kind = match content {
            Content::Seq(items) => NodeKind::Seq(items),
            Content::Map { entries, .. } => NodeKind::Map(entries),
        };
        let node = Node { kind, span: Span { start, end } };
        if let Some(name) = anchor {
            self.anchors.insert(name, Anchor::Done(node.clone(), size, None));
        }
        Read { node, at: start, size, merge: false, no_key: None }
    }

    fn add(&mut self, parent: &mut Open<'t>, read: Read) {
        parent.size += read.size;
        match &mut parent.content {
            Content::Seq(items) => items.push(read.node),
            Content::Map { entries, key } => match key.take() {
                None => *key = Some(read),
                Some(key) if key.merge => self.merge(entries, read.node, read.at),
                Some(key) => {
                    if let Some(name) = self.key(&key, &read) {
                        entries.push((Node { kind: NodeKind::Scalar(name), span: key.node.span }, read.node));
                    }
                }
            },
        }
    }

    /// Puts what `<<` names in its place; in Go's second YAML the later entry wins, wherever it stands.
    fn merge(&mut self, entries: &mut Vec<(Node, Node)>, value: Node, at: Mark) {
        let Span { start, end } = value.span;
        let no_map = |at| Error::yaml("map merge requires map or sequence of maps as the value", at);
        match value.kind {
            NodeKind::Map(merged) => entries.extend(merged),
            NodeKind::Seq(items) => {
                let mut first = None;
                for Node { kind, span } in items.into_iter().rev() {
                    // Go decodes the items from the last on; so the first error is one of the last item that has any.
                    let inside = span.start.offset..span.end.offset;
                    let mut found = self.decoding.extract_if(.., |(at, _, _)| inside.contains(at)).collect::<Vec<_>>();
                    match kind {
                        NodeKind::Map(merged) => entries.extend(merged),
                        NodeKind::Seq(_) | NodeKind::Scalar(_) => {
                            found = vec![(span.start.offset, false, no_map(span.start))];
                        }
                    }
                    first = first.or(found.into_iter().min_by_key(|(at, inside, _)| (*at, *inside)));
                }
                if let Some((_, inside, error)) = first {
                    self.decoding.retain(|(at, _, _)| !(start.offset..end.offset).contains(at));
                    self.note_decoding(at.offset, inside, error);
                }
            }
            NodeKind::Scalar(_) => self.fail_before(at, no_map(at)),
        }
    }

    /// The text of a key, as the conversion to JSON spells it.
    fn key(&mut self, key: &Read, value: &Read) -> Option<Value> {
        let at = key.node.span.start;
        if key.at == at {
            // An infinity is none as a key; and another node, which is empty, may stand in the same place.
            self.conversion.remove(&at.offset);
        }
        if let Some(no_key) = key.no_key {
            let value = go_syntax(&value.node, true);
            let (of_type, shown) = match no_key {
                NoKey::Null => ("%!s(<nil>)", "<nil>".to_owned()),
                NoKey::Huge(number) => ("uint64", format!("{number:#x}")),
            };
            let message = format_args!("unsupported map key of type: {of_type}, key: {shown}, value: {value}");
            self.fail_conversion(at, Error::conversion(message, at));
            // Where it stays, there is no tree.
            return Some(Value::Null);
        }
        let text = |text: String| Some(Value::String(text));
        match &key.node.kind {
            NodeKind::Scalar(Value::String(name)) => text(name.clone()),
            NodeKind::Scalar(Value::Bool(value)) => text(value.to_string()),
            NodeKind::Scalar(Value::Int(value)) => text(value.to_string()),
            NodeKind::Scalar(Value::Float(value)) => text(number::format_float32(*value)),
            NodeKind::Scalar(_) | NodeKind::Seq(_) | NodeKind::Map(_) => {
                let key = go_syntax(&key.node, true);
                self.fail_before(value.at, Error::yaml(format_args!("invalid map key: {key}"), at));
                None
            }
        }
    }

    fn scalar(&mut self, scalar: Scalar<'t>, span: Span) -> Read {
        self.decoded += 1;
        let merge = scalar.value == "<<" && (scalar.implicit || scalar.tag.as_deref() == Some(tag::MERGE));
        let value = self.resolve(scalar.tag.as_deref(), scalar.value, scalar.implicit, span.start);
        let no_key = if value == Value::Null { Some(NoKey::Null) } else { self.huge.take().map(NoKey::Huge) };
        let node = Node { kind: NodeKind::Scalar(value), span };
        if let Some(name) = scalar.anchor {
            self.anchors.insert(name, Anchor::Done(node.clone(), 1, no_key));
        }
        Read { node, at: span.start, size: 1, merge, no_key }
    }

    fn resolve(&mut self, wanted: Option<&str>, text: Text<'t>, implicit: bool, at: Mark) -> Value {
        let wanted = wanted.unwrap_or_default();
        let resolved = match wanted {
            "" if !implicit => return Value::String(text.into_owned()),
            "" => resolve(&text),
            tag::BINARY => return self.binary(&text, at),
            tag::BOOL | tag::INT | tag::FLOAT | tag::NULL | tag::TIMESTAMP => {
                let resolved = resolve_with(&text, wanted == tag::TIMESTAMP);
                match (&resolved, wanted) {
                    (Resolved::Int(i), tag::FLOAT) => Resolved::Float(*i as f64),
                    _ if resolved.tag() == wanted => resolved,
                    _ => {
                        let (found, wanted) = (tag::short(resolved.tag()), tag::short(wanted));
                        self.fail_decoding(
                            at,
                            Error::yaml(format_args!("cannot decode {found} `{text}` as a {wanted}"), at),
                        );
                        Resolved::Null
                    }
                }
            }
            _ => return Value::String(text.into_owned()),
        };
        match resolved {
            Resolved::Null => Value::Null,
            Resolved::Bool(value) => Value::Bool(value),
            Resolved::Int(value) => Value::Int(value),
            Resolved::Uint(value) => {
                self.huge = Some(value);
                Value::Float(value as f64)
            }
            Resolved::Float(value) => {
                if !value.is_finite() {
                    let spelled = number::go_special(value);
                    let message = format_args!("json: unsupported value: {spelled}");
                    self.fail_conversion(at, Error::conversion(message, at));
                }
                Value::Float(value)
            }
            Resolved::Timestamp | Resolved::Text => Value::String(text.into_owned()),
        }
    }

    fn binary(&mut self, text: &str, at: Mark) -> Value {
        if let Some(bytes) = decode_base64(text) {
            Value::String(utf8::lossy(&bytes))
        } else {
            self.fail_decoding(at, Error::yaml("!!binary value contains invalid base64 data", at));
            Value::Null
        }
    }

    fn alias(&mut self, name: &str, span: Span) -> Result<Read, Error> {
        self.decoded += 1;
        let (node, size, no_key) = match self.anchors.get(name) {
            None => return Err(Error::yaml(format_args!("unknown anchor '{name}' referenced"), span.start)),
            Some(Anchor::Open { is_map }) => {
                let kind = if *is_map { NodeKind::Map(Vec::new()) } else { NodeKind::Scalar(Value::Null) };
                let at = span.start;
                self.fail_decoding(at, Error::yaml(format_args!("anchor '{name}' value contains itself"), at));
                (Node { kind, span }, 0, Some(NoKey::Null))
            }
            Some(Anchor::Done(node, size, no_key)) => {
                self.decoded += size;
                self.aliased += size;
                if self.aliased > 100
                    && self.decoded > 1000
                    && self.aliased as f64 / self.decoded as f64 > allowed_ratio(self.decoded)
                {
                    return Err(Error::yaml("document contains excessive aliasing", span.start));
                }
                (node.clone(), *size, *no_key)
            }
        };
        Ok(Read { node, at: span.start, size: size + 1, merge: false, no_key })
    }

    fn fail_decoding(&mut self, at: Mark, error: Error) {
        self.note_decoding(at.offset, true, error);
    }

    /// An error that is noticed before what stands at `at` is looked at.
    fn fail_before(&mut self, at: Mark, error: Error) {
        self.note_decoding(at.offset, false, error);
    }

    fn note_decoding(&mut self, at: usize, inside: bool, error: Error) {
        let is_first = |known: &(usize, bool, Error)| (at, inside) < (known.0, known.1);
        if self.decoding.len() < MAX_ERRORS || self.decoding.iter().all(is_first) {
            self.decoding.push((at, inside, error));
        }
    }

    fn fail_conversion(&mut self, at: Mark, error: Error) {
        self.conversion.entry(at.offset).or_insert(error);
    }
}

/// The first place of these in a tree, without what a later duplicate of its key replaces.
fn first_left(node: &Node, places: &BTreeMap<usize, Error>) -> Option<usize> {
    match &node.kind {
        NodeKind::Scalar(_) => Some(node.span.start.offset).filter(|at| places.contains_key(at)),
        NodeKind::Seq(items) => items.iter().find_map(|item| first_left(item, places)),
        NodeKind::Map(entries) => last_of_each(entries).find_map(|(key, value)| {
            // A key that is wrong is noticed before its value is converted.
            Some(key.span.start.offset)
                .filter(|at| matches!(key.kind, NodeKind::Scalar(Value::Null)) && places.contains_key(at))
                .or_else(|| first_left(value, places))
        }),
    }
}

/// Entries of a mapping that no later duplicate replaces.
fn last_of_each(entries: &[(Node, Node)]) -> impl Iterator<Item = &(Node, Node)> {
    let last: HashMap<Option<&str>, usize> =
        entries.iter().enumerate().map(|(i, (key, _))| (key.as_str(), i)).collect();
    entries.iter().enumerate().filter(move |(i, (key, _))| last.get(&key.as_str()) == Some(i)).map(|(_, entry)| entry)
}

pub(crate) fn is_one_of(key: &str, fields: &[&str]) -> bool {
    fields.iter().any(|field| key.eq_ignore_ascii_case(field))
}

/// Whether a plain scalar may be `.inf` or `.nan`, which JSON does not have.
fn is_special_float(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(text.as_bytes(), [b'.', letter, ..] if letter.is_ascii_alphabetic())
}

/// Whether JSON does not have what a plain scalar is as a key.
fn is_no_key(text: &str) -> bool {
    matches!(resolve(text), Resolved::Null | Resolved::Uint(_))
}

/// How much of a document may come from aliases: all but 1 % of a small one, down to a tenth of a huge one.
fn allowed_ratio(decoded: usize) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    let position = ((decoded as f64 - LOW) / (HIGH - LOW)).clamp(0.0, 1.0);
    0.99 - 0.89 * position
}

/// Go's `%#v` of a decoded value; at the top a nil has no type.
fn go_syntax(node: &Node, top: bool) -> String {
    match &node.kind {
        NodeKind::Scalar(Value::Null) if top => "<nil>".to_owned(),
        NodeKind::Scalar(Value::Null) => "interface {}(nil)".to_owned(),
        NodeKind::Scalar(Value::Bool(value)) => value.to_string(),
        NodeKind::Scalar(Value::Int(value)) => value.to_string(),
        NodeKind::Scalar(Value::Float(value)) if !value.is_finite() => number::go_special(*value).to_owned(),
        NodeKind::Scalar(Value::Float(value)) => number::format_float(*value),
        NodeKind::Scalar(Value::String(text)) => quote(text),
        NodeKind::Scalar(Value::Seq(_) | Value::Map(_)) => String::new(),
        NodeKind::Seq(items) => {
            let items: Vec<String> = items.iter().map(|item| go_syntax(item, false)).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        NodeKind::Map(entries) => {
            let mut entries: Vec<(String, String)> =
                last_of_each(entries).map(|(key, value)| (go_syntax(key, false), go_syntax(value, false))).collect();
            entries.sort();
            let entries: Vec<String> = entries.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
            format!("map[interface {{}}]interface {{}}{{{}}}", entries.join(", "))
        }
    }
}

/// Standard base64 with padding; line breaks are skipped, as Go's decoder does.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let symbols: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    if !symbols.len().is_multiple_of(4) {
        return None;
    }
    let padding = symbols.iter().rev().take(2).take_while(|b| **b == b'=').count();
    let mut out = Vec::with_capacity(symbols.len() / 4 * 3);
    let mut bits = 0_u32;
    for (at, symbol) in symbols.iter().enumerate() {
        let six = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' if at + padding >= symbols.len() => 0,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        if at % 4 == 3 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            bits = 0;
        }
    }
    out.truncate(out.len() - padding);
    Some(out)
}
