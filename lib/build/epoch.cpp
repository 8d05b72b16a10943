#include "build/epoch.hpp"

#include "build/files/fetch.hpp"
#include "dockerfile/globals.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/sources.hpp"
#include "dockerfile/text.hpp"
#include "registry/reference.hpp"

#include <algorithm>

namespace davit::build {

using dockerfile::Instruction;
using dockerfile::Variables;
namespace instruction = dockerfile::instruction;

namespace {

constexpr const char* argument = "SOURCE_DATE_EPOCH";
constexpr const char* such_a_stage = "it is FROM scratch and one ADD of a URL or a git repository, nothing else";

Error invalid(const std::string& name) {
    return error(Errc::usage, "invalid {}: {}", argument, name)
        .with_hint("it is a number of seconds since 1970, context, a --build-context or a stage");
}

// What a stage of that kind adds, expanded.
struct Added {
    std::string source, checksum;
    dockerfile::Place place;
};

void take_args(const instruction::Arg& arg, const Variables& given, const dockerfile::WordRules& rules,
               Variables& variables) {
    for (const auto& [name, value] : arg.args) {
        if (const std::string* of_build = given.find(name)) variables.set(name, *of_build);
        else if (value) variables.set(name, expand(*value, variables, rules).text);
    }
}

Added added_by(const dockerfile::DocumentStage& stage, const dockerfile::Document& document,
               const dockerfile::EvaluateOptions& options) {
    const dockerfile::WordRules rules{.escape = document.directives.escape};
    Variables variables = global_args(document, options, &options.build_args);
    const auto refuse = [&](const Instruction* at) {
        return dockerfile::mistake(at ? at->node.place : stage.node.place, "the stage that {} names is another",
                                   argument)
            .with_hint(such_a_stage);
    };
    if (expand(stage.base, variables, rules).text != "scratch") throw refuse(nullptr);
    std::optional<Added> out;
    for (const Instruction& one : stage.instructions) {
        if (const auto* arg = std::get_if<instruction::Arg>(&one.action)) {
            take_args(*arg, options.build_args, rules, variables);
            continue;
        }
        const auto* copy = std::get_if<instruction::Copy>(&one.action);
        if (!copy || !copy->add || out || copy->sources.size() != 1 || !copy->files.empty()) throw refuse(&one);
        out = Added{expand(copy->sources[0], variables, rules).text, expand(copy->checksum, variables, rules).text,
                    one.node.place};
        if (dockerfile::kind_of_source(out->source) == dockerfile::SourceKind::path) throw refuse(&one);
    }
    if (!out) throw refuse(nullptr);
    return *out;
}

std::optional<std::int64_t> time_of(const Added& added, const Session& session) {
    return time_of_remote(added.source, added.checksum,
                          {session.ingest.path() + "/epoch", added.place, session.http(), &session.downloads});
}

} // namespace

std::optional<std::string> written_epoch(const dockerfile::Document& document,
                                         const dockerfile::EvaluateOptions& options) {
    if (const std::string* given = options.build_args.find(argument)) return *given;
    const bool declared =
        std::any_of(document.global_args.begin(), document.global_args.end(), [](const Instruction& one) {
            const auto& args = std::get<instruction::Arg>(one.action).args;
            return std::any_of(args.begin(), args.end(), [](const auto& arg) { return arg.first == argument; });
        });
    if (!declared) return std::nullopt;
    const Variables globals = global_args(document, options, &options.build_args);
    const std::string* value = globals.find(argument);
    return value && !value->empty() ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> named_epoch(const std::string& name, const dockerfile::Document& document,
                                        const dockerfile::EvaluateOptions& options, const Session& session) {
    if (name == "context") return session.context->modified(session.stop());
    if (!registry::Reference::try_parse(name)) throw invalid(name);
    if (const auto it = session.contexts.find(name); it != session.contexts.end())
        return it->second->modified(session.stop());
    if (session.image_contexts.contains(name)) return std::nullopt;
    const auto stage = std::find_if(document.stages.begin(), document.stages.end(),
                                    [&](const auto& one) { return one.name == dockerfile::lower(name); });
    if (stage == document.stages.end()) throw invalid(name);
    const Added added = added_by(*stage, document, options);
    return dockerfile::at_place(added.place, [&] { return time_of(added, session); });
}

} // namespace davit::build
