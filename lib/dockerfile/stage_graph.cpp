#include "dockerfile/stage_graph.hpp"

#include "base/units.hpp"
#include "base/words.hpp"
#include "dockerfile/globals.hpp"
#include "dockerfile/mount.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"
#include "image/platform.hpp"
#include "registry/reference.hpp"

#include <algorithm>

namespace davit::dockerfile {

namespace {

// Names of images that mean the same have one such name: "docker.io/library/busybox:latest" is "busybox".
std::optional<std::string> familiar_name(std::string_view text) {
    auto reference = registry::Reference::try_parse(text);
    if (!reference) return std::nullopt;
    std::string out = reference->familiar();
    if (reference->digest().empty() && out.ends_with(":latest")) out.resize(out.size() - 7);
    return out;
}

std::optional<std::string_view> near_name(std::string_view name, const Variables& variables) {
    std::vector<std::string_view> names;
    for (const auto& [other, value] : variables.entries()) names.push_back(other);
    return nearest(name, names);
}

void report_undeclared(const std::vector<std::string>& names, const Document& document, const Node& from,
                       const Variables& globals, CheckList& checks) {
    for (const std::string& name : names) {
        const bool declared =
            std::any_of(document.global_args.begin(), document.global_args.end(), [&](const Instruction& instruction) {
                const auto& args = std::get<instruction::Arg>(instruction.action).args;
                return std::any_of(args.begin(), args.end(), [&](const auto& arg) { return arg.first == name; });
            });
        if (declared) continue;
        auto near = near_name(name, globals);
        checks.add(Rule::undefined_arg_in_from, from,
                   fmt::format("no ARG before FROM declares '{}'{}", name,
                               near ? fmt::format(" (did you mean {}?)", *near) : ""));
    }
}

} // namespace

StageGraph::StageGraph(const Document& document, const EvaluateOptions& options, const Variables& globals,
                       CheckList& checks)
    : document_(document), options_(options) {
    std::optional<Error> wrong; // the first name that is no image; checks of the FROMs behind it are told all the same
    for (const DocumentStage& stage : document.stages) {
        Vertex vertex;
        vertex.base = at_place(stage.node.place, [&] { return base_of(stage, globals, checks, vertex, wrong); });
        if (!stage.name.empty()) names_.emplace_back(stage.name, size());
        vertices_.push_back(std::move(vertex));
    }
    if (wrong) throw *wrong;
    find_target();
    for (int i = 0; i < size(); ++i) {
        Vertex& vertex = vertices_[static_cast<std::size_t>(i)];
        for (const Instruction& instruction : document.stages[static_cast<std::size_t>(i)].instructions)
            for (const Input& input : sources(instruction))
                if (input.kind == Input::Kind::stage && !vertex.replaced)
                    vertex.needs.emplace_back(input.stage, instruction.node.place);
    }
    refuse_circles();
}

Input StageGraph::base_of(const DocumentStage& stage, const Variables& globals, CheckList& checks, Vertex& vertex,
                          std::optional<Error>& wrong) const {
    const Place place = stage.node.place_of(stage.base);
    const Expansion name =
        at_place(place, [&] { return expand(stage.base, globals, {.escape = document_.directives.escape}); });
    report_undeclared(name.unmatched, document_, stage.node, globals, checks);
    if (name.text.empty())
        throw mistake(place, "the name of the base, {}, is empty", stage.base)
            .with_hint("give the ARG a default before FROM, or set it with --build-arg");
    vertex.used_args = name.matched;
    std::string platform = platform_of(stage, globals, checks, vertex);
    Input base;
    // Of stages these two names mean themselves; as an image "context" is a name as any other.
    const bool replaceable = !stage.name.empty() && stage.name != "scratch" && stage.name != "context";
    if (auto context = replaceable ? named_context(stage.name) : std::nullopt) {
        vertex.replaced = true;
        base = {Input::Kind::named, -1, *context, {}};
    } else if (auto known =
                   std::find_if(names_.rbegin(), names_.rend(), [&](const auto& n) { return n.first == name.text; });
               known != names_.rend()) {
        base = {Input::Kind::stage, known->second, {}, {}};
    } else {
        try {
            base = image(name.text, place);
        } catch (const Error& e) {
            if (!wrong) wrong = e;
        }
    }
    base.platform = std::move(platform);
    return base;
}

std::string StageGraph::platform_of(const DocumentStage& stage, const Variables& globals, CheckList& checks,
                                    Vertex& vertex) const {
    if (stage.platform.empty()) return "";
    const Place place = stage.node.place_of("--platform");
    const Expansion text =
        at_place(place, [&] { return expand(stage.platform, globals, {.escape = document_.directives.escape}); });
    report_undeclared(text.unmatched, document_, stage.node, globals, checks);
    vertex.used_args.insert(vertex.used_args.end(), text.matched.begin(), text.matched.end());
    if (text.matched == std::vector<std::string>{"TARGETPLATFORM"} && text.unmatched.empty() &&
        text.text == *globals.find("TARGETPLATFORM"))
        checks.add(Rule::redundant_target_platform, stage.node,
                   fmt::format("--platform={} is what FROM does without it", stage.platform));
    if (text.text.empty())
        throw mistake(place, "the platform {} is empty", stage.platform)
            .with_hint("it is mostly $BUILDPLATFORM or $TARGETPLATFORM");
    const image::Platform platform = at_place(place, [&] { return image::parse_platform(text.text); });
    const bool in_name = stage.name.find(platform.os) != std::string::npos ||
                         stage.name.find(platform.architecture) != std::string::npos;
    if (text.matched.empty() && text.unmatched.empty() && !in_name)
        checks.add(Rule::from_platform_flag_const_disallowed, stage.node,
                   fmt::format("--platform of FROM is always {}", text.text));
    return image::to_string(platform);
}

std::optional<std::string> StageGraph::named_context(std::string_view name) const {
    const std::string wanted = familiar_name(name).value_or(std::string(name));
    for (const std::string& context : options_.named_contexts)
        if (context == name || familiar_name(context) == wanted) return context;
    return std::nullopt;
}

std::optional<int> StageGraph::stage_named(std::string_view name) const {
    const std::string wanted = lower(name);
    for (auto it = names_.rbegin(); it != names_.rend(); ++it)
        if (it->first == wanted) return it->second;
    return std::nullopt;
}

Input StageGraph::image(std::string_view name, const Place& place) const {
    if (name == "scratch") return {Input::Kind::scratch, -1, {}, {}};
    if (auto context = named_context(name)) return {Input::Kind::named, -1, *context, {}};
    at_place(place, [&] { registry::Reference::parse(name); });
    return {Input::Kind::image, -1, std::string(name), {}};
}

Input StageGraph::source(std::string_view name, bool numbers, const Place& place) const {
    if (name.find('$') != std::string_view::npos && at_place(place, [&] { return expand(name, {}).text != name; }))
        throw mistake(place, "--from={} holds a variable, which is not expanded there", name)
            .with_hint("give it a stage of its own: FROM " + std::string(name) + " AS NAME, and --from=NAME");
    if (auto number = numbers ? parse_int(name) : std::nullopt) {
        if (*number < 0 || *number >= size())
            throw mistake(place, "there is no stage {}", name).with_hint(fmt::format("stages are 0 to {}", size() - 1));
        return {Input::Kind::stage, static_cast<int>(*number), {}, {}};
    }
    if (auto stage = stage_named(name)) return {Input::Kind::stage, *stage, {}, {}};
    return image(name, place);
}

std::vector<Input> StageGraph::sources(const Instruction& instruction) const {
    std::vector<Input> out;
    if (const auto* copy = std::get_if<instruction::Copy>(&instruction.action); copy && !copy->from.empty())
        out.push_back(source(copy->from, true, instruction.node.place_of("--from")));
    if (const auto* run = std::get_if<instruction::Run>(&instruction.action)) {
        const Place place = instruction.node.place_of("--mount");
        for (const std::string& mount : run->mounts)
            if (std::string from = from_of_mount(mount, place); !from.empty())
                out.push_back(source(from, false, place));
    }
    return out;
}

void StageGraph::find_target() {
    target_ = size() - 1;
    if (options_.target.empty()) return;
    auto found = stage_named(options_.target);
    if (!found) {
        std::vector<std::string_view> names;
        for (const auto& [name, stage] : names_) names.push_back(name);
        auto near = nearest(lower(options_.target), names);
        throw error(Errc::not_found, "the Dockerfile has no stage '{}'", options_.target)
            .with_at({document_.file, 0, 0})
            .with_hint(near            ? "did you mean " + std::string(*near) + "?"
                       : names.empty() ? "no stage has a name: write FROM IMAGE AS NAME"
                                       : fmt::format("it has {}", fmt::join(names, ", ")));
    }
    target_ = *found;
}

// By depth, with a stack of our own: a file may have any number of stages.
void StageGraph::refuse_circles() const {
    enum Color : char { unseen, open, done };
    std::vector<char> colors(vertices_.size(), unseen);
    for (int start = 0; start < size(); ++start) {
        std::vector<std::pair<int, std::size_t>> path = {{start, 0}};
        while (!path.empty()) {
            auto& [at, next] = path.back();
            char& color = colors[static_cast<std::size_t>(at)];
            if (next == 0 && color == done) {
                path.pop_back();
                continue;
            }
            color = open;
            const auto& needs = (*this)[at].needs;
            if (next == needs.size()) {
                color = done;
                path.pop_back();
                continue;
            }
            const auto& [need, place] = needs[next++];
            if (colors[static_cast<std::size_t>(need)] == open) {
                const std::string& name = document_.stages[static_cast<std::size_t>(need)].name;
                throw mistake(place, "stage {} needs itself", name.empty() ? std::to_string(need) : name)
                    .with_hint("copy from a stage that stands before");
            }
            if (colors[static_cast<std::size_t>(need)] == unseen) path.emplace_back(need, 0);
        }
    }
}

void check_default_bases(const Document& document, const EvaluateOptions& options, CheckList& checks) {
    try {
        const Variables defaults = global_args(document, options, nullptr);
        for (const DocumentStage& stage : document.stages) {
            const std::string name = expand(stage.base, defaults, {.escape = document.directives.escape}).text;
            if (!registry::Reference::try_parse(name))
                checks.add(Rule::invalid_default_arg_in_from, stage.node,
                           fmt::format("without build arguments '{}' is '{}', which is no image", stage.base, name));
        }
    } catch (const Error&) {
        // Evaluation itself meets the mistake, and says so.
    }
}

} // namespace davit::dockerfile
