//! Who may use whom: no file uses what stands above it, and no two files need each other.
//!
//! The sources are parsed, names are followed through `use` and re-exports to the file that defines them, and an edge from
//! file to file is drawn for each. Declaring and re-exporting modules is no use of them. Tests may use whatever they like.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// Each module of the worker below the one that stands before it; those of one line stand side by side.
const LAYERS: [&[&str]; 7] = [
    &["shell", "browser"],
    &["protocol"],
    &["service"],
    &["record", "access", "isolate", "origin"],
    &["experiment"],
    &["assignment", "payload", "request"],
    &["statistics", "endpoint", "platform"],
];

/// A module path, as `["protocol", "native"]`.
type ModulePath = Vec<String>;

struct Module {
    file: PathBuf,
    /// Names that its items define.
    defined: BTreeSet<String>,
    children: BTreeSet<String>,
    /// What a `use` gives a name to, and whether it is a re-export.
    imports: HashMap<String, (Vec<String>, bool)>,
    /// Paths of a `use` that bring no name of their own: `*` and `_`.
    unnamed: Vec<Vec<String>>,
    /// Paths that its code has.
    paths: Vec<Vec<String>>,
}

#[derive(Default)]
struct Paths(Vec<Vec<String>>);

impl<'a> Visit<'a> for Paths {
    fn visit_path(&mut self, path: &'a syn::Path) {
        self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'a syn::Macro) {
        // The arguments of most macros are expressions.
        let parser = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        if let Ok(arguments) = mac.parse_body_with(parser) {
            arguments.iter().for_each(|argument| self.visit_expr(argument));
        }
        visit::visit_macro(self, mac);
    }

    // Uses are looked at by themselves; those of tests, not at all.
    fn visit_item_use(&mut self, _: &'a syn::ItemUse) {}

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    let test = |attribute: &syn::Attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    };
    attributes.iter().any(test)
}

fn name_of(item: &syn::Item) -> Option<String> {
    use syn::Item::{Const, Enum, Fn, Macro, Mod, Static, Struct, Trait, Type, Union};
    Some(match item {
        Const(item) => item.ident.to_string(),
        Enum(item) => item.ident.to_string(),
        Fn(item) => item.sig.ident.to_string(),
        Macro(item) => item.ident.as_ref()?.to_string(),
        Mod(item) if item.content.is_some() => item.ident.to_string(),
        Static(item) => item.ident.to_string(),
        Struct(item) => item.ident.to_string(),
        Trait(item) => item.ident.to_string(),
        Type(item) => item.ident.to_string(),
        Union(item) => item.ident.to_string(),
        _ => return None,
    })
}

fn uses(tree: &syn::UseTree, before: &[String], is_re_export: bool, module: &mut Module) {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        syn::UseTree::Path(path) => uses(&path.tree, &with(&path.ident), is_re_export, module),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| uses(tree, before, is_re_export, module)),
        syn::UseTree::Glob(_) => module.unnamed.push(before.to_vec()),
        syn::UseTree::Name(name) if name.ident == "self" => {
            if let Some(last) = before.last() {
                module.imports.insert(last.clone(), (before.to_vec(), is_re_export));
            }
        }
        syn::UseTree::Name(name) => {
            module.imports.insert(name.ident.to_string(), (with(&name.ident), is_re_export));
        }
        syn::UseTree::Rename(rename) if rename.rename == "_" => module.unnamed.push(with(&rename.ident)),
        syn::UseTree::Rename(rename) => {
            module.imports.insert(rename.rename.to_string(), (with(&rename.ident), is_re_export));
        }
    }
}

/// Reads a module and those below it. `folder` is where its children are.
fn read(file: &Path, folder: &Path, path: &ModulePath, modules: &mut BTreeMap<ModulePath, Module>) {
    let source = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let parsed = syn::parse_file(&source).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut module = Module {
        file: file.to_owned(),
        defined: parsed.items.iter().filter_map(name_of).collect(),
        children: BTreeSet::new(),
        imports: HashMap::new(),
        unnamed: Vec::new(),
        paths: Vec::new(),
    };
    for item in &parsed.items {
        match item {
            syn::Item::Mod(item) if item.content.is_none() && !is_test(&item.attrs) => {
                let name = item.ident.to_string();
                let flat = folder.join(format!("{name}.rs"));
                let below = folder.join(&name);
                let file = if flat.exists() { flat } else { below.join("mod.rs") };
                read(&file, &below, &[path.as_slice(), std::slice::from_ref(&name)].concat(), modules);
                module.children.insert(name);
            }
            syn::Item::Use(item) if !is_test(&item.attrs) => {
                uses(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited), &mut module);
            }
            _ => {}
        }
    }
    let mut paths = Paths::default();
    paths.visit_file(&parsed);
    module.paths = paths.0;
    modules.insert(path.clone(), module);
}

/// The module whose file defines what a path names, seen from `from`; `None` if it is of another crate, or the language's.
fn resolve(modules: &BTreeMap<ModulePath, Module>, from: &ModulePath, path: &[String]) -> Option<ModulePath> {
    let (first, rest) = path.split_first()?;
    let (mut at, mut rest): (ModulePath, Vec<String>) = match first.as_str() {
        "crate" => (Vec::new(), rest.to_vec()),
        "self" => (from.clone(), rest.to_vec()),
        "super" => (from.split_last()?.1.to_vec(), rest.to_vec()),
        _ => (from.clone(), path.to_vec()),
    };
    loop {
        let module = modules.get(&at)?;
        let Some((name, after)) = rest.split_first() else { return Some(at) };
        if name == "super" {
            at.pop()?;
        } else if module.children.contains(name) {
            at.push(name.clone());
        } else if module.defined.contains(name) {
            return Some(at);
        } else {
            let (target, _) = module.imports.get(name)?;
            // An import of its own name is of another crate.
            if target.first() == Some(name) && !module.children.contains(name) {
                return None;
            }
            let target = [target.as_slice(), after].concat();
            return resolve(modules, &at, &target);
        }
        rest = after.to_vec();
    }
}

/// Which modules use which: an edge a pair, with the path that makes it.
fn edges(modules: &BTreeMap<ModulePath, Module>) -> BTreeMap<(ModulePath, ModulePath), String> {
    let mut edges = BTreeMap::new();
    for (at, module) in modules {
        let imported = module.imports.iter().filter(|(name, (_, is_re_export))| {
            // What is passed on is used only where a path begins with it.
            !is_re_export || module.paths.iter().any(|path| path.first() == Some(name))
        });
        let imported = imported.map(|(_, (path, _))| path);
        for path in imported.chain(&module.unnamed).chain(module.paths.iter().filter(|path| path.len() > 1)) {
            if let Some(to) = resolve(modules, at, path).filter(|to| to != at) {
                edges.entry((at.clone(), to)).or_insert_with(|| path.join("::"));
            }
        }
    }
    edges
}

fn modules(source: &str) -> BTreeMap<ModulePath, Module> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let mut modules = BTreeMap::new();
    read(&folder.join("lib.rs"), &folder, &Vec::new(), &mut modules);
    modules
}

/// A circle of files, if there is one.
fn circle(modules: &BTreeMap<ModulePath, Module>) -> Option<String> {
    /// The way back to a module that is being visited.
    fn walk(
        at: &ModulePath,
        uses: &BTreeMap<&ModulePath, Vec<&ModulePath>>,
        way: &mut Vec<ModulePath>,
        done: &mut BTreeSet<ModulePath>,
    ) -> Option<Vec<ModulePath>> {
        if let Some(begin) = way.iter().position(|module| module == at) {
            return Some(way.split_off(begin));
        }
        if !done.insert(at.clone()) {
            return None;
        }
        way.push(at.clone());
        for to in uses.get(at).into_iter().flatten() {
            if let Some(circle) = walk(to, uses, way, done) {
                return Some(circle);
            }
        }
        way.pop();
        None
    }
    let edges = edges(modules);
    let mut uses: BTreeMap<&ModulePath, Vec<&ModulePath>> = BTreeMap::new();
    for (from, to) in edges.keys() {
        uses.entry(from).or_default().push(to);
    }
    let mut done = BTreeSet::new();
    let circle = modules.keys().find_map(|at| walk(at, &uses, &mut Vec::new(), &mut done))?;
    let shown = circle.iter().zip(circle.iter().cycle().skip(1)).map(|(from, to)| {
        let by = edges.get(&(from.clone(), to.clone())).map_or("", String::as_str);
        format!("{} uses `{by}` of", modules[from].file.display())
    });
    Some(shown.collect::<Vec<_>>().join("\n  "))
}

#[test]
fn nothing_uses_what_stands_above_it() {
    let modules = modules("src");
    let layer = |module: &ModulePath| {
        let top = module.first()?;
        Some(LAYERS.iter().position(|layer| layer.contains(&top.as_str())).unwrap_or_else(|| {
            panic!("the module `{top}` has no place in the layout; give it one in tests/layout.rs and src/lib.rs")
        }))
    };
    let upward: Vec<String> = edges(&modules)
        .iter()
        .filter(|((from, to), _)| matches!((layer(from), layer(to)), (Some(from), Some(to)) if to < from))
        .map(|((from, to), by)| format!("{} uses `{by}`, of {}", modules[from].file.display(), to.join("::")))
        .collect();
    assert!(upward.is_empty(), "uses that run upwards:\n  {}", upward.join("\n  "));
}

#[test]
fn no_two_files_need_each_other() {
    for source in ["src", "crates/engine/src", "crates/onnx/src", "crates/tables/src"] {
        if let Some(circle) = circle(&modules(source)) {
            panic!("a circle of files:\n  {circle}");
        }
    }
}

/// Were the parser blind, the two tests above would find nothing.
#[test]
fn uses_are_seen() {
    let modules = modules("src");
    let edges = edges(&modules);
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    for (from, to) in [
        // by a name that two modules pass on
        ("protocol::router", "service::error"),
        // by a path in the code
        ("service::control", "access"),
        // by a child's name
        ("protocol::native::routes", "protocol::native::describe"),
    ] {
        assert!(edges.contains_key(&(path(from), path(to))), "{from} uses {to}");
    }
    assert!(modules.len() > 60, "{} modules", modules.len());
}
