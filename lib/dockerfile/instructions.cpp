#include "dockerfile/instructions.hpp"

#include "base/words.hpp"
#include "dockerfile/instruction_forms.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>

namespace davit::dockerfile {

namespace {

struct InstructionRule {
    std::string_view keyword;
    Instruction (*read)(Node);
};

template <auto fn>
Instruction read_as(Node node) {
    auto action = fn(node);
    return {std::move(node), std::move(action)};
}

constexpr InstructionRule instruction_rules[] = {
    {"ADD", read_as<forms::add>},
    {"ARG", read_as<forms::arg>},
    {"CMD", read_as<forms::cmd>},
    {"COPY", read_as<forms::copy>},
    {"ENTRYPOINT", read_as<forms::entrypoint>},
    {"ENV", read_as<forms::env>},
    {"EXPOSE", read_as<forms::expose>},
    {"HEALTHCHECK", read_as<forms::healthcheck>},
    {"LABEL", read_as<forms::label>},
    {"MAINTAINER", read_as<forms::maintainer>},
    {"ONBUILD", read_as<forms::onbuild>},
    {"RUN", read_as<forms::run>},
    {"SHELL", read_as<forms::shell>},
    {"STOPSIGNAL", read_as<forms::stop_signal>},
    {"USER", read_as<forms::user>},
    {"VOLUME", read_as<forms::volume>},
    {"WORKDIR", read_as<forms::workdir>},
};

Instruction read_instruction(Node node) {
    const std::string keyword = upper(node.keyword);
    std::vector<std::string_view> names = {"FROM"};
    for (const InstructionRule& rule : instruction_rules) {
        if (rule.keyword == keyword) return rule.read(std::move(node));
        names.push_back(rule.keyword);
    }
    auto near = nearest(keyword, names);
    throw mistake(node.place, "there is no instruction {}", node.keyword)
        .with_hint(near ? "did you mean " + std::string(*near) + "?"
                        : "a line that goes on needs \\ at the end of the one before");
}

bool is_stage_name(std::string_view name) {
    return !name.empty() && name[0] >= 'a' && name[0] <= 'z' && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    });
}

DocumentStage read_from(Node node) {
    constexpr FlagRule flags[] = {{"platform"}};
    DocumentStage stage;
    const auto& args = node.args;
    const bool named = args.size() == 3 && upper(args[1]) == "AS";
    if (args.size() != 1 && !named)
        throw mistake(node.place, "FROM takes an image and, if you like, AS NAME")
            .with_hint("write FROM IMAGE or FROM IMAGE AS NAME");
    if (named) {
        stage.name_given = args[2];
        stage.name = lower(args[2]);
        stage.as_keyword = args[1];
        if (!is_stage_name(stage.name))
            throw mistake(node.place_of(args[2]), "'{}' cannot be the name of a stage", args[2])
                .with_hint(
                    "names begin with a letter and hold letters, digits, '-', '_' and '.'; variables are not expanded");
    }
    stage.platform = Flags(node, flags).text("platform");
    stage.base = args[0];
    stage.node = std::move(node);
    return stage;
}

} // namespace

namespace {

void take(Node node, Document& out) {
    if (upper(node.keyword) == "FROM") {
        out.stages.push_back(read_from(std::move(node)));
        return;
    }
    Instruction instruction = read_instruction(std::move(node));
    if (!out.stages.empty()) out.stages.back().instructions.push_back(std::move(instruction));
    else if (std::holds_alternative<instruction::Arg>(instruction.action))
        out.global_args.push_back(std::move(instruction));
    else
        throw mistake(instruction.node.place, "{} stands before the first FROM", upper(instruction.node.keyword))
            .with_hint("only ARG may stand there");
}

} // namespace

Document read_document(std::string_view text, const std::string& file, Document* before) {
    Syntax syntax = parse(text, file);
    Document out;
    out.file = file;
    out.directives = std::move(syntax.directives);
    out.empty_continuations = std::move(syntax.empty_continuations);
    try {
        for (Node& node : syntax.nodes) take(std::move(node), out);
    } catch (const Error&) {
        if (before) *before = std::move(out);
        throw;
    }
    if (out.stages.empty())
        throw mistake(out.global_args.back().node.place, "the Dockerfile has no FROM, so there is nothing to build")
            .with_hint("add FROM IMAGE");
    return out;
}

Instruction read_trigger(std::string_view text, const Place& from) {
    Node node = parse_trigger(text, from);
    const std::string keyword = upper(node.keyword);
    if (keyword == "FROM" || keyword == "MAINTAINER" || keyword == "ONBUILD")
        throw mistake(from, "the base has an ONBUILD trigger {}, which cannot be one", keyword);
    try {
        return read_instruction(std::move(node));
    } catch (Error& e) {
        throw e.with_context("reading the ONBUILD trigger '" + std::string(text) + "' of the base");
    }
}

std::string description_of(const std::vector<std::string>& comments, std::string_view name) {
    for (const std::string& line : comments)
        if (!name.empty() && line.starts_with(std::string(name) + " ")) return line.substr(name.size() + 1);
    return "";
}

} // namespace davit::dockerfile
