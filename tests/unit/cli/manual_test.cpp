#include "cli/manual.hpp"

#include "base/file.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/global_options.hpp"
#include "davit/error.hpp"

#include <doctest/doctest.h>
#include <filesystem>
#include <set>

using namespace davit;
using namespace davit::cli;

namespace {

std::string text_of(const std::string& verb) {
    return read_file_if_exists(std::string(DAVIT_MAN_DIR) + "/verbs/" + verb + ".scd").value_or("");
}

std::vector<std::string> shown_verbs() {
    std::vector<std::string> out;
    for (const Verb& verb : verbs())
        if (verb.group != VerbGroup::hidden) out.emplace_back(verb.name);
    return out;
}

} // namespace

TEST_CASE("manual: every verb has a text with a description and an example, and every text a verb") {
    std::set<std::string> known;
    for (const std::string& verb : shown_verbs()) {
        CAPTURE(verb);
        const std::string text = text_of(verb);
        CHECK(text.starts_with("# DESCRIPTION\n"));
        CHECK(text.find("\n# EXAMPLES\n") != std::string::npos);
        CHECK(text.find("davit ") != std::string::npos);
        known.insert(verb + ".scd");
    }
    for (const auto& file : std::filesystem::directory_iterator(std::string(DAVIT_MAN_DIR) + "/verbs"))
        CHECK_MESSAGE(known.count(file.path().filename().string()), file.path().filename().string());
}

TEST_CASE("manual: every option of every verb is described") {
    for (const std::string& verb : shown_verbs()) {
        CAPTURE(verb);
        const ManualPage page = describe_verb(verb);
        REQUIRE_FALSE(page.commands.empty());
        const std::string text = to_scdoc(page);
        for (const CommandInfo& command : page.commands) {
            CHECK_FALSE(command.summary.empty());
            CHECK(command.synopsis.starts_with(verb));
            for (const OptionInfo& option : command.options) {
                CAPTURE(option.long_name);
                if (option.hidden) continue; // no help or page shows it
                CHECK(option.help.size() > 5);
                if (!option.long_name.empty()) CHECK(text.find("*--" + option.long_name + "*") != std::string::npos);
            }
        }
    }
}

TEST_CASE("manual: options that are written about exist") {
    // "--word" in bold in a text: a flag of that verb, or a global one.
    const std::set<std::string> global = {"file", "project-name", "profile", "env-file", "progress", "ansi", "dry-run"};
    for (const std::string& verb : shown_verbs()) {
        CAPTURE(verb);
        std::set<std::string> known = global;
        for (const CommandInfo& command : describe_verb(verb).commands)
            for (const OptionInfo& option : command.options) known.insert(option.long_name);
        const std::string text = text_of(verb);
        for (std::size_t at = text.find("*--"); at != std::string::npos; at = text.find("*--", at + 1)) {
            const std::string name = text.substr(at + 3, text.find_first_of("*= ", at + 3) - at - 3);
            CHECK_MESSAGE((known.count(name) || (verb == "scale" && name == "scale")), name);
        }
    }
}

TEST_CASE("manual: davit(1) tells every global option") {
    const std::string page = read_file_if_exists(std::string(DAVIT_MAN_DIR) + "/davit.1.scd").value_or("");
    REQUIRE_FALSE(page.empty());
    Globals globals;
    for (const OptionInfo& option : global_options(globals).info().options)
        if (!option.hidden)
            CHECK_MESSAGE(page.find("*--" + option.long_name + "*") != std::string::npos, option.long_name);
}

TEST_CASE("manual: a page is put together from the table and the text") {
    ManualPage page;
    page.verb = "frob";
    page.summary = "Frobs a * thing";
    page.commands = {
        {"frob [OPTIONS] A_B\n\tdavit frob -",
         "Frobs",
         "",
         {{"f", "force", "", "Do it_now", false}, {"", "out", "string", "Where", false}, {"", "old", "", "Gone", true}},
         false}};
    page.text = "# DESCRIPTION\n\nWords.\n\n# EXAMPLES\n\nNone.\n";
    CHECK(to_scdoc(page) == R"(davit-frob(1)

# NAME

davit-frob - frobs a \* thing

# SYNOPSIS

*davit frob* [OPTIONS] A\_B ++
*davit frob -*

# DESCRIPTION

Words.

# OPTIONS

*-f*, *--force*
	Do it\_now

*--out* _string_
	Where

# EXAMPLES

None.

# EXIT STATUS

0 on success; 1 when something failed; 130 after an interrupt.

# SEE ALSO

*davit*(1)
)");
}

TEST_CASE("manual: a verb that there is not is an error") { CHECK_THROWS_AS(describe_verb("nosuch"), Error); }
