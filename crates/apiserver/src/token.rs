//! Tokens: who a bearer is.

use std::fmt::Write as _;
use std::sync::PoisonError;

use bowline_clock::Timestamp;
use jiff::ToSpan;
use serde_json::{Value, json};

use crate::http::User;
use crate::metadata::text;
use crate::{Api, Status, resources};

impl Api {
    /// Makes `token` stand for a user from now on.
    pub fn add_token(&self, token: impl Into<String>, user: User) {
        self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token.into(), (user, Timestamp::MAX));
    }

    /// Who a token stands for, while it is valid.
    pub fn user_of(&self, token: &str) -> Option<User> {
        let tokens = self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(token).filter(|(_, until)| self.0.clock.now() < *until).map(|(user, _)| user.clone())
    }

    /// A token of a service account (the `token` subresource): opaque, kept in memory, valid for as long as asked.
    ///
    /// # Errors
    /// 404 where there is no such service account, 500 where the machine gives no secret bits.
    pub fn issue_token(&self, namespace: &str, name: &str, mut request: Value) -> Result<Value, Status> {
        let account = self.get(&resources::SERVICE_ACCOUNTS, namespace, name)?;
        let seconds = request.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(3600);
        let now = self.0.clock.now();
        let until = now.checked_add(seconds.clamp(600, 1 << 32).seconds()).unwrap_or(Timestamp::MAX);
        let token = secret_text()?;
        let user = User {
            name: format!("system:serviceaccount:{namespace}:{name}"),
            groups: vec![
                "system:serviceaccounts".into(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".into(),
            ],
        };
        let mut tokens = self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, (_, until)| now < *until);
        tokens.insert(token.clone(), (user, until));
        let metadata = json!({"name": text(&account, "name"), "namespace": namespace,
            "creationTimestamp": self.0.clock.rfc3339()});
        if let Some(fields) = request.as_object_mut() {
            fields.insert("metadata".to_owned(), metadata);
            let expires = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            fields.insert("status".to_owned(), json!({"token": token, "expirationTimestamp": expires}));
        }
        Ok(request)
    }
}

/// 256 bits that nobody can guess, in hexadecimal.
pub(crate) fn secret_text() -> Result<String, Status> {
    let mut bits = [0u8; 32];
    let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    random.fill(&mut bits).map_err(|_| Status::internal("the machine gives no random bits"))?;
    Ok(bits.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
