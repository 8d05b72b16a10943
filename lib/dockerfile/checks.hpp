// The build checks: rules that a Dockerfile may break and still be built.
#pragma once

#include "dockerfile/instructions.hpp"
#include "dockerfile/steps.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

enum class Rule {
    stage_name_casing,
    from_as_casing,
    no_empty_continuation,
    consistent_instruction_casing,
    duplicate_stage_name,
    reserved_stage_name,
    json_args_recommended,
    maintainer_deprecated,
    undefined_arg_in_from,
    workdir_relative_path,
    undefined_var,
    multiple_instructions_disallowed,
    legacy_key_value_format,
    invalid_base_image_platform,
    redundant_target_platform,
    secrets_used_in_arg_or_env,
    invalid_default_arg_in_from,
    from_platform_flag_const_disallowed,
    copy_ignored_file,
    invalid_definition_description,
    expose_proto_casing,
    expose_invalid_format,
};

struct RuleText {
    Rule rule;
    std::string_view name;        // "StageNameCasing"
    std::string_view description; // one sentence
    bool experimental = false;    // only when asked for
};
const RuleText& text_of(Rule rule);

// "skip=A,B|all;error=true;experimental=A|all": the check directive, BUILDKIT_DOCKERFILE_CHECK, or a comment above
// one instruction.
struct CheckSettings {
    bool skip_all = false, errors = false, all_experimental = false;
    std::vector<std::string> skip, experimental; // names of rules

    // Throws Errc::usage: an option that does not exist.
    static CheckSettings read(std::string_view text);
    bool wants(const RuleText& rule) const;
};

// Collects what is found, but for rules that are skipped.
class CheckList {
public:
    CheckList(CheckSettings settings, std::vector<Check>& out) : settings_(std::move(settings)), out_(out) {}

    // node: the instruction that is wrong; comments above it may skip rules.
    void add(Rule rule, const Node& node, std::string message);
    void add(Rule rule, const Place& place, std::string message);
    // Throws Errc::invalid_project if findings are to be errors and there are any.
    void finish() const;

private:
    CheckSettings settings_;
    std::vector<Check>& out_;
};

// The rules that need no evaluation: casing, names, what is deprecated.
void check_document(const Document& document, CheckList& checks);
// Of them those of one instruction alone, which hold for a part of a file too.
void check_instructions(const Document& document, CheckList& checks);

// A name that looks like it holds a secret: API_KEY, DB_PASSWORD; not PUBLIC_KEY.
bool looks_secret(std::string_view name);

} // namespace davit::dockerfile
