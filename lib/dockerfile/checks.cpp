#include "dockerfile/checks.hpp"

#include "dockerfile/mount.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace davit::dockerfile {

namespace {

constexpr RuleText rule_texts[] = {
    {Rule::stage_name_casing, "StageNameCasing", "Names of stages are lower case"},
    {Rule::from_as_casing, "FromAsCasing", "FROM and AS are written in the same case"},
    {Rule::no_empty_continuation, "NoEmptyContinuation", "Empty lines inside an instruction will become errors"},
    {Rule::consistent_instruction_casing, "ConsistentInstructionCasing",
     "All instructions of a file are written in the same case"},
    {Rule::duplicate_stage_name, "DuplicateStageName", "Each stage has a name of its own"},
    {Rule::reserved_stage_name, "ReservedStageName", "No stage is named scratch or context"},
    {Rule::json_args_recommended, "JSONArgsRecommended",
     "CMD and ENTRYPOINT in JSON form get signals, without a shell between"},
    {Rule::maintainer_deprecated, "MaintainerDeprecated", "MAINTAINER is deprecated: a label names the author"},
    {Rule::undefined_arg_in_from, "UndefinedArgInFrom", "FROM uses variables that an ARG before it declares"},
    {Rule::workdir_relative_path, "WorkdirRelativePath", "The first WORKDIR of a stage is absolute"},
    {Rule::undefined_var, "UndefinedVar", "Variables are defined before they are used"},
    {Rule::multiple_instructions_disallowed, "MultipleInstructionsDisallowed",
     "Of CMD, ENTRYPOINT and HEALTHCHECK a stage has one each: only the last counts"},
    {Rule::legacy_key_value_format, "LegacyKeyValueFormat", "NAME=VALUE is preferred to NAME VALUE"},
    {Rule::invalid_base_image_platform, "InvalidBaseImagePlatform", "The base is for the platform that is built for"},
    {Rule::redundant_target_platform, "RedundantTargetPlatform", "--platform=$TARGETPLATFORM is what FROM does anyway"},
    {Rule::secrets_used_in_arg_or_env, "SecretsUsedInArgOrEnv", "Secrets are given with RUN --mount=type=secret"},
    {Rule::invalid_default_arg_in_from, "InvalidDefaultArgInFrom",
     "FROM names a valid image when no build argument is given"},
    {Rule::from_platform_flag_const_disallowed, "FromPlatformFlagConstDisallowed",
     "--platform of FROM is a variable, not one platform"},
    {Rule::copy_ignored_file, "CopyIgnoredFile", "What .dockerignore excludes cannot be copied"},
    {Rule::invalid_definition_description, "InvalidDefinitionDescription",
     "A comment above a stage or an ARG begins with its name", true},
    {Rule::expose_proto_casing, "ExposeProtoCasing", "Protocols of EXPOSE are lower case"},
    {Rule::expose_invalid_format, "ExposeInvalidFormat", "EXPOSE names ports of the container alone"},
};

bool is_lower(std::string_view text) { return lower(text) == text; }
bool is_upper(std::string_view text) { return upper(text) == text; }

std::vector<std::string> names_of(std::string_view text) {
    std::vector<std::string> out;
    for (const std::string& name : split(text, ',')) out.emplace_back(trim(name));
    return out;
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end(); // in their own case, as in the reference
}

// A word of tokens, between underscores or alone.
template <std::size_t N>
bool has_token(const std::vector<std::string>& parts, const std::array<std::string_view, N>& tokens) {
    return std::any_of(parts.begin(), parts.end(), [&](const std::string& part) {
        return std::find(tokens.begin(), tokens.end(), part) != tokens.end();
    });
}

void check_from(const DocumentStage& stage, CheckList& checks) {
    if (stage.name.empty()) return;
    if (!is_lower(stage.name_given))
        checks.add(Rule::stage_name_casing, stage.node,
                   fmt::format("the stage name '{}' is not lower case", stage.name_given));
    const bool same = is_lower(stage.node.keyword) ? is_lower(stage.as_keyword)
                                                   : !is_upper(stage.node.keyword) || is_upper(stage.as_keyword);
    if (!same)
        checks.add(Rule::from_as_casing, stage.node,
                   fmt::format("'{}' and '{}' are written in different case", stage.node.keyword, stage.as_keyword));
}

void check_stage_names(const Document& document, CheckList& checks) {
    std::set<std::string> seen;
    for (const DocumentStage& stage : document.stages) {
        if (stage.name.empty()) continue;
        if (stage.name == "scratch" || stage.name == "context")
            checks.add(Rule::reserved_stage_name, stage.node,
                       fmt::format("'{}' means something else already", stage.name));
        if (!seen.insert(stage.name).second)
            checks.add(Rule::duplicate_stage_name, stage.node, fmt::format("there is a stage '{}' before", stage.name));
    }
}

void check_casing(const Document& document, CheckList& checks) {
    std::vector<const Node*> nodes;
    for (const DocumentStage& stage : document.stages) {
        nodes.push_back(&stage.node);
        for (const Instruction& instruction : stage.instructions) nodes.push_back(&instruction.node);
    }
    const auto lowers = std::count_if(nodes.begin(), nodes.end(), [](const Node* n) { return is_lower(n->keyword); });
    const auto uppers = std::count_if(nodes.begin(), nodes.end(), [](const Node* n) { return is_upper(n->keyword); });
    for (const Node* node : nodes) {
        const bool fits = lowers > uppers ? is_lower(node->keyword) : is_upper(node->keyword);
        if (!fits)
            checks.add(Rule::consistent_instruction_casing, *node,
                       fmt::format("'{}' is not {} case as most instructions are", node->keyword,
                                   lowers > uppers ? "lower" : "upper"));
    }
}

void check_description(const Node& node, const std::vector<std::string>& names, std::string_view what,
                       CheckList& checks) {
    if (node.comments.empty() || names.empty()) return;
    const std::string& comment = node.comments.back();
    if (std::find(names.begin(), names.end(), comment.substr(0, comment.find(' '))) != names.end()) return;
    checks.add(
        Rule::invalid_definition_description, node,
        fmt::format("the comment above {} is not '# {} DESCRIPTION'", what, names.size() > 1 ? "NAME" : names[0]));
}

void check_arg_description(const Instruction& instruction, CheckList& checks) {
    const auto* arg = std::get_if<instruction::Arg>(&instruction.action);
    if (!arg) return;
    std::vector<std::string> names;
    for (const auto& [name, value] : arg->args) names.push_back(name);
    check_description(instruction.node, names, "the ARG", checks);
}

// "# check=skip=RULE" right above an instruction. Another comment that begins so is only a comment.
bool skipped_by(const std::vector<std::string>& comments, std::string_view rule) {
    return std::any_of(comments.begin(), comments.end(), [&](const std::string& comment) {
        if (!comment.starts_with("check=")) return false;
        try {
            const CheckSettings here = CheckSettings::read(std::string_view(comment).substr(6));
            return here.skip_all || holds(here.skip, rule);
        } catch (const Error&) {
            return false;
        }
    });
}

} // namespace

const RuleText& text_of(Rule rule) {
    return *std::find_if(std::begin(rule_texts), std::end(rule_texts),
                         [&](const RuleText& t) { return t.rule == rule; });
}

CheckSettings CheckSettings::read(std::string_view text) {
    CheckSettings out;
    for (const std::string& part : split(text, ';')) {
        const std::string option(trim(part));
        const auto equals = option.find('=');
        const std::string key(trim(std::string_view(option).substr(0, equals)));
        const std::string value(equals == std::string::npos ? "" : trim(std::string_view(option).substr(equals + 1)));
        const bool given = equals != std::string::npos;
        if (key == "skip" && given) {
            out.skip_all = value == "all";
            out.skip = names_of(value);
        } else if (key == "experimental" && given) {
            out.all_experimental = value == "all";
            out.experimental = names_of(value);
        } else if (auto on = go_boolean(value); key == "error" && on) {
            out.errors = *on;
        } else {
            throw error(Errc::usage, "'{}' is no option of build checks", option)
                .with_hint(
                    "options are skip=RULE,…, skip=all, error=true and experimental=RULE,…; rules are written as "
                    "warnings name them");
        }
    }
    return out;
}

bool CheckSettings::wants(const RuleText& rule) const {
    if (rule.experimental) return all_experimental || holds(experimental, rule.name); // asked for, so not skipped
    return !skip_all && !holds(skip, rule.name);
}

void CheckList::add(Rule rule, const Place& place, std::string message) {
    const RuleText& text = text_of(rule);
    if (settings_.wants(text)) out_.push_back({std::string(text.name), std::move(message), place});
}

void CheckList::add(Rule rule, const Node& node, std::string message) {
    if (text_of(rule).experimental || !skipped_by(node.comments, text_of(rule).name))
        add(rule, node.place, std::move(message));
}

void CheckList::finish() const {
    if (!settings_.errors || out_.empty()) return;
    std::vector<std::string> names;
    for (const Check& check : out_)
        if (std::find(names.begin(), names.end(), check.rule) == names.end()) names.push_back(check.rule);
    throw mistake(out_.front().place, "build checks found something, and are to be errors: {}", join(names, ", "))
        .with_hint("put it right, or take error=true off the check directive");
}

void check_instructions(const Document& document, CheckList& checks) {
    for (const Place& place : document.empty_continuations)
        checks.add(Rule::no_empty_continuation, place, "the instruction has an empty line inside");
    for (const Instruction& arg : document.global_args) check_arg_description(arg, checks);
    for (const DocumentStage& stage : document.stages) {
        check_from(stage, checks);
        if (!stage.name.empty()) check_description(stage.node, {stage.name}, "FROM", checks);
        for (const Instruction& instruction : stage.instructions) {
            check_arg_description(instruction, checks);
            if (std::holds_alternative<instruction::Maintainer>(instruction.action))
                checks.add(Rule::maintainer_deprecated, instruction.node,
                           "MAINTAINER is deprecated: LABEL org.opencontainers.image.authors=NAME says the same");
        }
    }
}

void check_document(const Document& document, CheckList& checks) {
    check_instructions(document, checks);
    check_stage_names(document, checks);
    check_casing(document, checks);
}

bool looks_secret(std::string_view name) {
    constexpr std::array<std::string_view, 10> secret = {"apikey",   "auth",  "credential", "credentials", "key",
                                                         "password", "pword", "passwd",     "secret",      "token"};
    constexpr std::array<std::string_view, 3> harmless = {"public", "file", "version"};
    const auto parts = split(lower(name), '_');
    return has_token(parts, secret) && !has_token(parts, harmless);
}

} // namespace davit::dockerfile
