#include "dockerfile/instruction_forms.hpp"

#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>

namespace davit::dockerfile::forms {

namespace {

using Kind = FlagRule::Kind;
constexpr FlagRule copy_flags[] = {
    {"from"}, {"chown"}, {"chmod"}, {"link", Kind::boolean}, {"parents", Kind::boolean}, {"exclude", Kind::list}};
constexpr FlagRule add_flags[] = {{"chown"},
                                  {"chmod"},
                                  {"link", Kind::boolean},
                                  {"keep-git-dir", Kind::boolean},
                                  {"checksum"},
                                  {"unpack", Kind::boolean},
                                  {"exclude", Kind::list}};

// Sources that are heredocs take their content from those of the line; of two with one name the last counts.
void take_sources(instruction::Copy& out, const Node& node) {
    const std::string keyword = upper(node.keyword);
    if (node.args.size() < 2)
        throw mistake(node.place, "{} wants sources and a destination", keyword)
            .with_hint("write " + keyword + " SOURCE… DESTINATION");
    out.destination = node.args.back();
    if (!node.json && heredoc_of_word(out.destination))
        throw mistake(node.place_of(out.destination), "the destination of {} cannot be a heredoc", keyword)
            .with_hint("the destination stands last: " + keyword + " <<EOF /path");
    for (auto arg = node.args.begin(); arg != node.args.end() - 1; ++arg) {
        auto heredoc = node.json ? std::nullopt : heredoc_of_word(*arg);
        if (!heredoc) {
            out.sources.push_back(*arg);
            continue;
        }
        auto content = std::find_if(node.heredocs.rbegin(), node.heredocs.rend(),
                                    [&](const Heredoc& h) { return h.name == heredoc->name; });
        if (content != node.heredocs.rend()) heredoc->content = content->content;
        if (heredoc->strip_tabs) heredoc->content = without_tabs(heredoc->content);
        out.files.push_back(std::move(*heredoc));
    }
}

instruction::Copy read_copy(const Node& node, bool is_add, std::span<const FlagRule> rules) {
    const Flags flags(node, rules);
    instruction::Copy out;
    out.add = is_add;
    take_sources(out, node);
    out.from = flags.text("from");
    out.chown = flags.text("chown");
    out.chmod = flags.text("chmod");
    out.link = flags.boolean("link").value_or(false);
    out.parents = flags.boolean("parents").value_or(false);
    out.keep_git_dir = flags.boolean("keep-git-dir");
    out.unpack = flags.boolean("unpack");
    out.exclude = flags.list("exclude");
    out.checksum = flags.text("checksum");
    return out;
}

} // namespace

instruction::Copy copy(const Node& node) { return read_copy(node, false, copy_flags); }
instruction::Copy add(const Node& node) { return read_copy(node, true, add_flags); }

} // namespace davit::dockerfile::forms
