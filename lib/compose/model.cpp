#include "compose/model.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/words.hpp"
#include "compose/ecs/documents.hpp"
#include "compose/environment.hpp"
#include "compose/interpolate.hpp"
#include "compose/transform.hpp"
#include "compose/validate.hpp"
#include "yaml/reader.hpp"
#include "yaml/text.hpp"

#include <algorithm>
#include <fmt/ranges.h>

namespace davit::compose {

std::vector<Node*> ModelLoader::documents(const std::string& file, Pos referrer) {
    if (auto read = ahead_.extract(file)) return std::move(read.mapped());
    std::string text;
    if (file == "-") {
        text = options_.stdin_text;
    } else if (const auto known = options_.texts.find(file); known != options_.texts.end()) {
        text = known->second;
    } else {
        try {
            text = read_file(file);
        } catch (const Error& e) {
            if (!referrer.line)
                throw e.os()
                    ? Error(e.kind(), fmt::format("cannot read the compose file {}: {}", file, e.os().message()))
                          .with_os(e.os())
                    : e;
            diag_.error(referrer, {}, fmt::format("cannot read the compose file {}: {}", file, e.os().message()),
                        "paths are relative to the directory of the file that names them");
            diag_.throw_if_errors();
        }
    }
    std::uint16_t id = tree_.add_file(file == "-" ? "(standard input)" : file, yaml::canonical_text(std::move(text)));
    auto out = yaml::parse_yaml(tree_, id, diag_);
    if (out.empty()) diag_.throw_if_errors(); // no tree to go on with
    return out;
}

const Node* ModelLoader::name_of(const std::vector<std::string>& files) {
    const Node* name = nullptr;
    for (const std::string& file : files) {
        if (ahead_.count(file)) continue;
        auto docs = documents(file);
        for (const Node* doc : docs) {
            const Node* family = ecs::family_of(*doc);
            const Node* n = family ? family : ecs::is_service(*doc) ? nullptr : doc->find("name");
            if (n && n->is_string() && !n->str().empty()) name = n;
        }
        ahead_.emplace(file, std::move(docs));
    }
    return name;
}

Node* ModelLoader::load(const FileSet& set) {
    Node* merged = tree_.map();
    std::vector<Document> all;
    for (const std::string& file : set.files)
        for (Node* doc : documents(file, set.named_at)) all.push_back({file, doc});
    convert_ecs(set, all);
    for (const Document& document_of : all) merged = document(set, document_of, merged);
    finish(set, *merged);
    return merged;
}

void ModelLoader::convert_ecs(const FileSet& set, std::vector<Document>& all) {
    const auto service =
        std::find_if(all.begin(), all.end(), [](const Document& d) { return ecs::is_service(*d.root); });
    const Node* service_root = service == all.end() ? nullptr : service->root;
    const Document* task = nullptr;
    bool foreign = false;
    for (Document& d : all) {
        if (const Node* other = ecs::as_others_write_it(*d.root); other && (foreign = true))
            diag_.error(other->pos, {},
                        fmt::format("this is a task definition {}",
                                    d.root->is_list() ? "without its family" : "as CloudFormation spells it"),
                        "{\"family\": …, \"containerDefinitions\": [{\"name\": …, \"image\": …}]}; of one that is "
                        "registered: aws "
                        "ecs describe-task-definition --task-definition FAMILY");
        if (!ecs::is_task_definition(*d.root)) continue;
        if (task) {
            diag_.error(d.root->pos, {},
                        fmt::format("a project has one task definition, and {} is another", task->file),
                        "give each a project of its own");
            break;
        }
        d.root = ecs::to_compose(tree_, *d.root, service_root,
                                 {*set.environment, set.directory, options_.values, options_.elsewhere}, diag_);
        d.literal = true;
        task = &d;
    }
    if (foreign) diag_.throw_if_errors();
    if (!service_root && !task) return;
    if (!task)
        diag_.error(service_root->pos, {}, "a service of ECS needs its task definition beside it",
                    "davit -f taskdef.json -f service.json");
    diag_.throw_if_errors();
    if (service_root) all.erase(service);
}

Node* ModelLoader::document(const FileSet& set, const Document& given, Node* merged) {
    const std::string& file = given.file;
    Node* doc = given.root;
    if (!doc->is_map()) {
        diag_.error(doc->pos, {}, "a compose file must be a mapping at the top",
                    "it starts with keys such as  services:");
        diag_.throw_if_errors();
    }
    Resets resets = Resets::take_from(*doc, diag_); // first: what a !reset stands before is never looked at
    if (options_.interpolate && !given.literal) interpolate(tree_, *doc, *set.environment, diag_);
    apply_includes(set, file, *doc, resets);
    resets.apply(*merged);
    if (const Node* services = doc->find("services"); services && services->is_null() && merged->has("services"))
        diag_.error(services->pos, "services", "must be a mapping of service names",
                    "remove the line, or write services below it");
    apply_extends(set, file, *doc, resets);
    merged = merge(tree_, merged, doc, diag_);
    enforce_unicity(*merged, diag_);
    if (options_.validate) {
        check_schema(*merged, diag_);
        drop_version(*merged, file);
    }
    to_canonical(tree_, *merged, !options_.interpolate, diag_);
    omit_empty(*merged);
    enforce_unicity(*merged, diag_);
    return merged;
}

void ModelLoader::drop_version(Node& merged, const std::string& file) {
    Entry* version = merged.find_entry("version");
    if (!version) return;
    diag_.warning(version->key_pos, "version", fmt::format("the attribute is obsolete and ignored (in {})", file),
                  "remove the line");
    merged.erase("version");
}

void ModelLoader::warn_of_unknown_keys(const Node& map, std::string_view path,
                                       std::initializer_list<std::string_view> known) {
    for (const Entry& e : map.map()) {
        if (std::find(known.begin(), known.end(), e.key) != known.end()) continue;
        auto near = nearest(e.key, {known.begin(), known.size()});
        diag_.warning(e.key_pos, path, fmt::format("the key '{}' is not known here and ignored", e.key),
                      near ? fmt::format("did you mean '{}'?", *near)
                           : fmt::format("known are: {}", fmt::join(known, ", ")));
    }
}

void ModelLoader::finish(const FileSet& set, Node& merged) {
    set_defaults(tree_, merged);
    if (options_.validate) check_rules(merged, diag_);
    if (set.resolve_paths) resolve_paths(tree_, merged, {set.path_base, options_.home}, diag_);
    // What is printed uninterpolated is made to be shared: no value of the shell gets into it.
    if (options_.interpolate) resolve_environment(tree_, merged, *set.environment);
}

} // namespace davit::compose
