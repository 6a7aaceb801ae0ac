//! Anchors, tags and directives.

use std::borrow::Cow;

use crate::event::Text;
use crate::token::{TokenKind, Tokens};
use crate::{Error, Mark};

fn is_alpha(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_uri(byte: u8) -> bool {
    is_alpha(byte) || b";/?:@&=+$,.!~*'()[]%".contains(&byte)
}

impl<'t> Tokens<'t> {
    fn name(&mut self) -> &'t str {
        let start = self.cursor.pos;
        while is_alpha(self.cursor.byte()) {
            self.cursor.skip(1);
        }
        &self.cursor.text[start..self.cursor.pos]
    }

    pub(crate) fn scan_anchor(&mut self, alias: bool) -> Result<(), Error> {
        let start = self.cursor.mark();
        self.cursor.skip(1);
        let name = self.name();
        let ended = self.cursor.is_blankz(0) || b"?:,]}%@`".contains(&self.cursor.byte());
        if name.is_empty() || !ended {
            return Err(self.cursor.error("did not find expected alphabetic or numeric character", start));
        }
        self.push(if alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) }, start);
        Ok(())
    }

    pub(crate) fn scan_tag(&mut self) -> Result<(), Error> {
        let start = self.cursor.mark();
        let (handle, suffix) = if self.cursor.at(1) == b'<' {
            self.cursor.skip(2);
            let suffix = self.tag_uri("", start)?;
            if self.cursor.byte() != b'>' {
                return Err(self.cursor.error("did not find the expected '>'", start));
            }
            self.cursor.skip(1);
            (Cow::Borrowed(""), suffix)
        } else {
            let handle = self.tag_handle(false, start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                (Cow::Borrowed(handle), self.tag_uri("", start)?)
            } else {
                // It was no handle but the start of a local tag; `!` alone is a tag of its own.
                let suffix = self.tag_uri(handle, start)?;
                if suffix.is_empty() { (suffix, Cow::Borrowed("!")) } else { (Cow::Borrowed("!"), suffix) }
            }
        };
        if !self.cursor.is_blankz(0) {
            return Err(self.cursor.error("did not find expected whitespace or line break", start));
        }
        self.push(TokenKind::Tag { handle, suffix }, start);
        Ok(())
    }

    fn tag_handle(&mut self, directive: bool, start: Mark) -> Result<&'t str, Error> {
        let from = self.cursor.pos;
        if self.cursor.byte() != b'!' {
            return Err(self.cursor.error("did not find expected '!'", start));
        }
        self.cursor.skip(1);
        self.name();
        if self.cursor.byte() == b'!' {
            self.cursor.skip(1);
        } else if directive && self.cursor.pos - from != 1 {
            return Err(self.cursor.error("did not find expected '!'", start));
        }
        Ok(&self.cursor.text[from..self.cursor.pos])
    }

    /// The rest of a tag behind `head`, whose `!` is not part of it.
    fn tag_uri(&mut self, head: &'t str, start: Mark) -> Result<Text<'t>, Error> {
        let mut uri = Cow::Borrowed(head.get(1..).unwrap_or_default());
        let mut any = !head.is_empty();
        while is_uri(self.cursor.byte()) {
            any = true;
            if self.cursor.byte() == b'%' {
                let character = self.uri_escape(start)?;
                uri.to_mut().push(character);
            } else {
                uri.to_mut().push(char::from(self.cursor.byte()));
                self.cursor.skip(1);
            }
        }
        if any { Ok(uri) } else { Err(self.cursor.error("did not find expected tag URI", start)) }
    }

    /// One character written as `%XX` octets.
    fn uri_escape(&mut self, start: Mark) -> Result<char, Error> {
        let mut octets = [0_u8; 4];
        let mut length = 1;
        let mut read = 0;
        while read < length {
            let digits = [self.cursor.at(1), self.cursor.at(2)].map(|byte| char::from(byte).to_digit(16));
            let (b'%', [Some(high), Some(low)]) = (self.cursor.byte(), digits) else {
                return Err(self.cursor.error("did not find URI escaped octet", start));
            };
            let octet = (high << 4 | low) as u8;
            if read == 0 {
                length = match octet {
                    0..=0x7f => 1,
                    0xc0..=0xdf => 2,
                    0xe0..=0xef => 3,
                    0xf0..=0xf7 => 4,
                    _ => return Err(self.cursor.error("found an incorrect leading UTF-8 octet", start)),
                };
            } else if octet & 0xc0 != 0x80 {
                return Err(self.cursor.error("found an incorrect trailing UTF-8 octet", start));
            }
            octets[read] = octet;
            read += 1;
            self.cursor.skip(3);
        }
        let character = std::str::from_utf8(&octets[..length]).ok().and_then(|text| text.chars().next());
        Ok(character.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    pub(crate) fn scan_directive(&mut self) -> Result<(), Error> {
        let start = self.cursor.mark();
        self.cursor.skip(1);
        let name = self.name();
        if name.is_empty() {
            return Err(self.cursor.error("could not find expected directive name", start));
        }
        if !self.cursor.is_blankz(0) {
            return Err(self.cursor.error("found unexpected non-alphabetical character", start));
        }
        let kind = match name {
            "YAML" => self.version(start)?,
            "TAG" => self.tag_directive(start)?,
            _ => return Err(self.cursor.error("found unknown directive name", start)),
        };
        self.push(kind, start);
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_breakz(0) {
            return Err(self.cursor.error("did not find expected comment or line break", start));
        }
        self.cursor.skip_break();
        Ok(())
    }

    fn version(&mut self, start: Mark) -> Result<TokenKind<'t>, Error> {
        self.cursor.skip_blanks();
        let major = self.version_number(start)?;
        if self.cursor.byte() != b'.' {
            return Err(self.cursor.error("did not find expected digit or '.' character", start));
        }
        self.cursor.skip(1);
        Ok(TokenKind::VersionDirective(major, self.version_number(start)?))
    }

    fn version_number(&mut self, start: Mark) -> Result<u8, Error> {
        let mut value = 0;
        let mut length = 0;
        while self.cursor.byte().is_ascii_digit() {
            length += 1;
            if length > 2 {
                return Err(self.cursor.error("found extremely long version number", start));
            }
            value = value * 10 + (self.cursor.byte() - b'0');
            self.cursor.skip(1);
        }
        if length == 0 {
            return Err(self.cursor.error("did not find expected version number", start));
        }
        Ok(value)
    }

    fn tag_directive(&mut self, start: Mark) -> Result<TokenKind<'t>, Error> {
        self.cursor.skip_blanks();
        let handle = self.tag_handle(true, start)?;
        if !self.cursor.is_blank(0) {
            return Err(self.cursor.error("did not find expected whitespace", start));
        }
        self.cursor.skip_blanks();
        let prefix = self.tag_uri("", start)?;
        if !self.cursor.is_blankz(0) {
            return Err(self.cursor.error("did not find expected whitespace or line break", start));
        }
        Ok(TokenKind::TagDirective { handle, prefix })
    }
}
