//! S3's API: by what botocore signs, and by the administrator's token.

use super::*;

/// What a fake of no signature at all would need: the administrator's token.
const TOKEN: (&str, &str) = ("authorization", "Bearer root");

fn store() -> Bench {
    let bench = bench(ORIGIN);
    bench.world.now_ms.set(1_795_512_600_000.0);
    let secrets = [
        ("ADMIN_ACCESS_KEY_ID", "AKIDADMIN"),
        ("ADMIN_SECRET_ACCESS_KEY", "the admin's secret key"),
        ("MODELS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("MODELS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    ];
    for (name, value) in secrets {
        bench.world.secrets.borrow_mut().insert(name.to_owned(), value.to_owned());
    }
    bench
}

impl Bench {
    /// A request of S3 with the administrator's token.
    fn s3(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Seen {
        let mut all = vec![TOKEN];
        all.extend_from_slice(headers);
        let length = body.len().to_string();
        if !body.is_empty() || method == "PUT" {
            all.push(("content-length", &length));
        }
        self.s3_as(method, target, &all, body)
    }

    fn s3_as(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Seen {
        *self.world.incoming.borrow_mut() = body.to_vec();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
        });
        let request = Request {
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            secure: true,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.collect(),
            ..Request::default()
        };
        self.receive(request, Ok(Vec::new()))
    }
}

impl Seen {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The texts of all elements of that name.
    fn all(&self, name: &str) -> Vec<String> {
        let (text, open) = (self.text(), format!("<{name}>"));
        let parts = text.split(&open).skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
        parts.collect()
    }

    fn error(&self) -> (u16, String) {
        (self.status, self.all("Code").pop().unwrap_or_default())
    }
}

#[test]
fn an_object_comes_back_as_it_was_put() {
    let bench = store();
    let facts =
        [("content-type", "application/x-onnx"), ("x-amz-meta-by", "ada"), ("x-amz-checksum-crc32", "y/Q5Jg==")];
    let seen = bench.s3("PUT", "/models/a%20b/c%2B.onnx", &facts, b"123456789");
    assert_eq!((seen.status, seen.header("etag")), (200, "\"25f9e794323b453885f5181f1b624d0b\""), "{}", seen.text());
    assert_eq!(bench.world.models.borrow()["a b/c+.onnx"], b"123456789");
    let seen = bench.s3("GET", "/models/a%20b/c+.onnx", &[("x-amz-checksum-mode", "ENABLED")], b"");
    assert_eq!((seen.status, seen.text().as_str()), (200, "123456789"));
    for (name, value) in [
        ("content-type", "application/x-onnx"),
        ("content-length", "9"),
        ("x-amz-meta-by", "ada"),
        ("x-amz-checksum-crc32", "y/Q5Jg=="),
        ("x-amz-checksum-type", "FULL_OBJECT"),
        ("last-modified", "Tue, 24 Nov 2026 09:30:00 GMT"),
        ("etag", "\"25f9e794323b453885f5181f1b624d0b\""),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    let seen = bench.s3("GET", "/models/a%20b/c+.onnx", &[("range", "bytes=2-4")], b"");
    assert_eq!((seen.status, seen.text().as_str(), seen.header("content-range")), (206, "345", "bytes 2-4/9"));
    let seen = bench.s3("GET", "/models/a%20b/c+.onnx", &[("range", "bytes=9-")], b"");
    assert_eq!(seen.error(), (416, "InvalidRange".to_owned()));
    let seen = bench.s3("HEAD", "/models/a%20b/c+.onnx", &[], b"");
    assert_eq!((seen.status, seen.header("content-length"), seen.body.len()), (200, "9", 0));
    assert_eq!(bench.s3("DELETE", "/models/a%20b/c+.onnx", &[], b"").status, 204);
    assert_eq!(bench.s3("GET", "/models/a%20b/c+.onnx", &[], b"").error(), (404, "NoSuchKey".to_owned()));
    assert_eq!(bench.s3("HEAD", "/models/a%20b/c+.onnx", &[], b"").status, 404);
}

#[test]
fn what_wrangler_has_put_is_served_with_what_its_bytes_tell() {
    let bench = store();
    bench.world.models.borrow_mut().insert("by-hand".to_owned(), b"123456789".to_vec());
    let seen = bench.s3("GET", "/models/by-hand", &[], b"");
    assert_eq!((seen.text().as_str(), seen.header("etag")), ("123456789", "\"25f9e794323b453885f5181f1b624d0b\""));
    let seen = bench.s3("GET", "/models?list-type=2", &[], b"");
    assert_eq!((seen.all("Key"), seen.all("Size")), (vec!["by-hand".to_owned()], vec!["9".to_owned()]));
}

#[test]
fn conditions_hold_or_refuse() {
    let bench = store();
    let none = [("if-none-match", "*")];
    assert_eq!(bench.s3("PUT", "/models/k", &none, b"1").status, 200);
    assert_eq!(bench.s3("PUT", "/models/k", &none, b"2").error(), (412, "PreconditionFailed".to_owned()));
    let tag = "\"c4ca4238a0b923820dcc509a6f75849b\"";
    assert_eq!(bench.s3("GET", "/models/k", &[("if-none-match", tag)], b"").status, 304);
    assert_eq!(bench.s3("GET", "/models/k", &[("if-match", tag)], b"").status, 200);
    assert_eq!(bench.s3("GET", "/models/k", &[("if-match", "\"x\"")], b"").error().0, 412);
    assert_eq!(bench.s3("PUT", "/models/k", &[("if-match", tag)], b"2").status, 200);
    assert_eq!(bench.world.models.borrow()["k"], b"2");
}

#[test]
fn bodies_that_are_not_what_the_request_says_are_refused_and_not_kept() {
    let bench = store();
    let long = "x".repeat(1_024);
    for (headers, code) in [
        (vec![("x-amz-checksum-crc32", "AAAAAA==")], "BadDigest"),
        (vec![("x-amz-checksum-sha256", "AAAAAA==")], "BadDigest"),
        (vec![("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], "BadDigest"),
        (vec![("content-length", "8")], "IncompleteBody"),
        (vec![("content-length", "26214401")], "EntityTooLarge"),
        (vec![("x-amz-meta-long", &*long)], "MetadataTooLarge"),
        (vec![("content-encoding", "gzip")], "NotImplemented"),
        (vec![("x-amz-tagging", "a=b")], "NotImplemented"),
        (vec![("x-amz-copy-source", "/models/a")], "NotImplemented"),
        (vec![("x-amz-trailer", "x-amz-checksum-crc32")], "InvalidArgument"),
    ] {
        let mut all = vec![TOKEN, ("content-length", "9")];
        all.retain(|(name, _)| !headers.iter().any(|(given, _)| given == name));
        all.extend(&headers);
        let seen = bench.s3_as("PUT", "/models/k", &all, b"123456789");
        assert_eq!(seen.error().1, code, "{headers:?}");
        assert!(bench.world.models.borrow().is_empty(), "{headers:?}");
    }
    assert_eq!(bench.s3_as("PUT", "/models/k", &[TOKEN], b"1").error(), (411, "MissingContentLength".to_owned()));
    let hidden = bench.s3("PUT", "/models/~uploads/k", &[], b"1");
    assert_eq!(hidden.error(), (400, "KeyTooLongError".to_owned()));
}

#[test]
fn lists_have_prefixes_and_pages() {
    let bench = store();
    for key in ["a/1", "a/2", "a/b/3", "c", "d/4", "e", "f&g"] {
        assert_eq!(bench.s3("PUT", &format!("/models/{key}"), &[], b"x").status, 200);
    }
    bench.world.models.borrow_mut().insert("~uploads/x/upload".to_owned(), b"{}".to_vec());
    let list = |query: &str| bench.s3("GET", &format!("/models?list-type=2{query}"), &[], b"");
    assert_eq!(list("").all("Key"), ["a/1", "a/2", "a/b/3", "c", "d/4", "e", "f&amp;g"]);
    assert_eq!(list("&encoding-type=url&prefix=f").all("Key"), ["f%26g"]);
    let seen = list("&delimiter=%2F");
    assert_eq!(
        (seen.all("Key"), seen.all("Prefix")),
        (vec!["c".into(), "e".into(), "f&amp;g".into()], vec![String::new(), "a/".into(), "d/".into()])
    );
    assert_eq!(list("&delimiter=%2F&prefix=a%2F").all("Prefix"), ["a/", "a/b/"]);
    assert_eq!(list("&start-after=d%2F4").all("Key"), ["e", "f&amp;g"]);
    // Page by page, each of whatever size, everything comes once.
    for most in 1..5 {
        let (mut keys, mut token) = (Vec::new(), String::new());
        for _ in 0..20 {
            let seen = list(&format!("&delimiter=%2F&max-keys={most}{token}"));
            assert!(seen.all("KeyCount")[0].parse::<usize>().unwrap() <= most);
            keys.extend(seen.all("Key"));
            keys.extend(seen.all("Prefix").into_iter().skip(1));
            match seen.all("NextContinuationToken").pop() {
                Some(next) => token = format!("&continuation-token={next}"),
                None => break,
            }
        }
        keys.sort();
        assert_eq!(keys, ["a/", "c", "d/", "e", "f&amp;g"], "{most}");
    }
    assert_eq!(list("&continuation-token=x").error(), (400, "InvalidArgument".to_owned()));
    let first = bench.s3("GET", "/models?max-keys=2", &[], b"");
    assert_eq!((first.all("Key"), first.all("NextMarker")), (vec!["a/1".into(), "a/2".into()], vec!["a/2".to_owned()]));
    assert_eq!(bench.s3("GET", "/models?max-keys=1&marker=a/2", &[], b"").all("Key"), ["a/b/3"]);
}

#[test]
fn many_are_removed_at_once() {
    let bench = store();
    for key in ["a", "b&c", "d"] {
        bench.world.models.borrow_mut().insert(key.to_owned(), b"x".to_vec());
    }
    let body = b"<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a</Key></Object>\
        <Object><Key>b&amp;c</Key></Object><Object><Key>none</Key></Object><Object><Key>~uploads/x</Key></Object></Delete>";
    let seen = bench.s3("POST", "/models?delete", &[], body);
    assert_eq!((seen.all("Key").len(), seen.all("Code")), (4, vec!["KeyTooLongError".to_owned()]), "{}", seen.text());
    assert_eq!(bench.world.models.borrow().keys().collect::<Vec<_>>(), ["d"]);
    for bad in ["", "<Delete>", "<Delete/>", "<Delete><Object/></Delete>", "<a>&nope;</a>"] {
        assert_eq!(bench.s3("POST", "/models?delete", &[], bad.as_bytes()).error().1, "MalformedXML", "{bad}");
    }
}

fn part_list(parts: &[(u32, &str)]) -> Vec<u8> {
    let parts: String = parts
        .iter()
        .map(|(number, etag)| format!("<Part><ETag>&quot;{etag}&quot;</ETag><PartNumber>{number}</PartNumber></Part>"))
        .collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>").into_bytes()
}

#[test]
fn an_upload_in_parts_makes_one_object() {
    let bench = store();
    let begun = bench.s3(
        "POST",
        "/models/big?uploads",
        &[("x-amz-checksum-algorithm", "CRC32"), ("x-amz-meta-by", "ada")],
        b"",
    );
    let id = begun.all("UploadId").pop().unwrap();
    let (first, last) = (vec![1_u8; 5 << 20], vec![2_u8; 7]);
    let put = |number: u32, body: &[u8]| {
        bench.s3("PUT", &format!("/models/big?partNumber={number}&uploadId={id}"), &[], body)
    };
    let tag = |seen: &Seen| seen.header("etag").trim_matches('"').to_owned();
    let (one, two) = (tag(&put(1, &first)), tag(&put(2, &last)));
    assert_eq!(put(6, &vec![0; 1 << 20]).error().1, "EntityTooLarge", "five parts before it would have 25 MiB");
    assert_eq!(put(0, b"x").error().1, "InvalidArgument");
    assert_eq!(bench.s3("GET", &format!("/models/big?uploadId={id}"), &[], b"").all("Size"), ["5242880", "7"]);
    assert_eq!(bench.s3("GET", "/models?uploads", &[], b"").all("UploadId"), std::slice::from_ref(&id));
    assert!(bench.s3("GET", "/models?list-type=2", &[], b"").all("Key").is_empty());
    let complete =
        |parts: &[(u32, &str)]| bench.s3("POST", &format!("/models/big?uploadId={id}"), &[], &part_list(parts));
    assert_eq!(complete(&[(2, &two), (1, &one)]).error().1, "InvalidPartOrder");
    assert_eq!(complete(&[(1, &two)]).error().1, "InvalidPart");
    assert_eq!(complete(&[]).error().1, "InvalidPartOrder");
    assert_eq!(complete(&[(1, &one), (2, &two)]).status, 200);
    let seen = bench.s3("GET", "/models/big", &[("x-amz-checksum-mode", "ENABLED")], b"");
    assert_eq!(seen.body, [first, last].concat());
    assert!(seen.header("etag").ends_with("-2\"") && seen.header("x-amz-checksum-crc32").ends_with("-2"));
    assert_eq!((seen.header("x-amz-checksum-type"), seen.header("x-amz-meta-by")), ("COMPOSITE", "ada"));
    assert_eq!(bench.world.models.borrow().len(), 1, "the parts are gone");
    assert_eq!(complete(&[(1, &one), (2, &two)]).error(), (404, "NoSuchUpload".to_owned()));
}

#[test]
fn a_small_part_before_the_last_is_refused_and_an_upload_can_be_given_up() {
    let bench = store();
    let id = bench.s3("POST", "/models/k?uploads", &[], b"").all("UploadId").pop().unwrap();
    let put = |number: u32| {
        let seen = bench.s3("PUT", &format!("/models/k?partNumber={number}&uploadId={id}"), &[], b"small");
        seen.header("etag").trim_matches('"').to_owned()
    };
    let parts = [put(1), put(2)];
    let list = part_list(&[(1, &parts[0]), (2, &parts[1])]);
    assert_eq!(bench.s3("POST", &format!("/models/k?uploadId={id}"), &[], &list).error().1, "EntityTooSmall");
    assert_eq!(bench.s3("DELETE", &format!("/models/k?uploadId={id}"), &[], b"").status, 204);
    assert!(bench.world.models.borrow().is_empty());
    assert_eq!(bench.s3("PUT", "/models/k?partNumber=1&uploadId=../x", &[], b"x").error().1, "NoSuchUpload");
}

#[test]
fn who_may_not_is_told_in_s3s_words() {
    let bench = store();
    for (headers, code) in [
        (vec![], (403, "AccessDenied")),
        (vec![("authorization", "Bearer wrong")], (403, "AccessDenied")),
        (vec![("authorization", "AWS4-HMAC-SHA256 Credential=x")], (400, "AuthorizationHeaderMalformed")),
    ] {
        for (method, target) in [("GET", "/models"), ("PUT", "/models/k"), ("GET", "/capture/k")] {
            let seen = bench.s3_as(method, target, &headers, b"");
            assert_eq!(seen.error(), (code.0, code.1.to_owned()), "{method} {target} {headers:?}");
        }
    }
    assert!(bench.world.models.borrow().is_empty());
}

#[test]
fn the_capture_bucket_is_read_only() {
    let bench = store();
    let objects = &bench.world.bucket.objects;
    objects.borrow_mut().insert("e/a/2026/x.jsonl".to_owned(), b"{}\n".to_vec());
    for bucket in ["capture", "CAPTURE"] {
        assert_eq!(bench.s3("GET", &format!("/{bucket}/e/a/2026/x.jsonl"), &[], b"").text(), "{}\n");
        let seen = bench.s3("GET", &format!("/{bucket}?list-type=2&prefix=e/"), &[], b"");
        assert_eq!((seen.all("Key"), seen.all("Size")), (vec!["e/a/2026/x.jsonl".to_owned()], vec!["3".to_owned()]));
    }
    for (method, target) in
        [("PUT", "/capture/k"), ("DELETE", "/capture/e/a/2026/x.jsonl"), ("POST", "/capture?delete")]
    {
        assert_eq!(bench.s3(method, target, &[], b"").error(), (403, "AccessDenied".to_owned()), "{method} {target}");
    }
    assert_eq!(objects.borrow().len(), 1);
}

#[test]
fn what_is_not_served_is_said_by_name() {
    let bench = store();
    for (method, target) in
        [("GET", "/models?acl"), ("PUT", "/models/k?tagging"), ("GET", "/models/k?versionId=3"), ("DELETE", "/models")]
    {
        bench.world.models.borrow_mut().insert("k".to_owned(), b"x".to_vec());
        let seen = bench.s3(method, target, &[], b"");
        assert_eq!(seen.error(), (501, "NotImplemented".to_owned()), "{method} {target}");
    }
    assert_eq!(bench.s3("HEAD", "/models", &[], b"").status, 200);
    assert!(bench.s3("GET", "/models?location", &[], b"").text().contains("LocationConstraint"));
    assert_eq!(bench.s3("PUT", "/models", &[], b"").error().1, "BucketAlreadyOwnedByYou");
    // Without a signature for S3, other paths are none of its.
    assert_eq!(bench.s3("GET", "/modelsx", &[], b"").json()["code"], "no_such_path");
}

/// A request as boto3 sends it; made by tests/vectors/s3.py.
#[derive(serde::Deserialize)]
struct Vector {
    operation: String,
    secure: bool,
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: String,
}

#[test]
fn what_boto3_sends_is_served_and_what_is_changed_of_it_is_refused() {
    use base64::Engine;
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../../tests/vectors/s3.json")).unwrap();
    assert!(vectors.len() > 40);
    let mut trailed = 0;
    for vector in &vectors {
        let send = |body: &[u8], headers: &[(&str, &str)]| {
            let bench = store();
            bench.world.piece_bytes.set(7);
            for name in ["model.onnx", "a b/c+d&e=f.onnx", "ü/🚂.onnx", "a//b~c'(1)!*.onnx", "100%.onnx"] {
                bench.world.models.borrow_mut().insert(name.to_owned(), b"before".to_vec());
            }
            *bench.world.incoming.borrow_mut() = body.to_vec();
            let mut all: HeaderMap = HeaderMap::new();
            for (name, value) in vector
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .chain(headers.iter().copied())
            {
                all.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
            }
            let request = Request {
                method: Method::from_bytes(vector.method.as_bytes()).unwrap(),
                secure: vector.secure,
                path: vector.path.clone(),
                query: vector.query.clone(),
                headers: all,
                ..Request::default()
            };
            let seen = bench.receive(request, Ok(Vec::new()));
            let kept = bench.world.models.borrow().values().any(|value| value == b"123456789");
            (seen, kept)
        };
        let what = format!("{} {} {}", vector.operation, vector.path, vector.headers["x-amz-content-sha256"]);
        let body = base64::prelude::BASE64_STANDARD.decode(&vector.body).unwrap();
        let (seen, kept) = send(&body, &[]);
        assert!(matches!(seen.status, 200 | 204), "{what}: {}", seen.text());
        assert_eq!(kept, vector.operation == "put_object", "{what}");
        let (seen, kept) = send(&body, &[("x-amz-date", "20261124T093001Z")]);
        assert!(seen.status == 403 && !kept, "{what}: {}", seen.text());
        if vector.operation == "put_object" {
            trailed += usize::from(vector.headers.contains_key("x-amz-trailer"));
            let changed: Vec<u8> = body.iter().map(|byte| if *byte == b'5' { b'6' } else { *byte }).collect();
            let (seen, kept) = send(&changed, &[]);
            assert!(seen.status == 400 && !kept, "{what}: {}", seen.text());
        }
    }
    assert!(trailed > 3, "{trailed} had a trailer");
}
