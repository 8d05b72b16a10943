// What becomes of each key: a table a target says it for every path of the schema, and the code that maps a value
// notes where that value makes a difference. finish() goes through the project, so nothing is lost in silence.
#pragma once

#include "davit/export.hpp"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davit::exports {

using Kind = ExportFinding::Kind;

// paths: schema paths with spaces between, "services.*.ports.[].mode"; ".**" at the end: it and all below it.
struct Rule {
    std::string_view paths;
    Kind kind = Kind::exact;
    std::string_view why{};
    std::string_view hint{};
    std::string_view to{}; // adjusted
};

// The rules of a target by path.
class Rules {
public:
    explicit Rules(std::span<const Rule> table);
    // Of the path, of the nearest mapping above that has all below it; nullptr: there is none.
    const Rule* find(std::string_view schema_path) const;

private:
    std::map<std::string_view, const Rule*> exact_, below_;
};

// One value of the project that a rule is about.
struct Leaf {
    std::string path, schema, text; // text: of a scalar
};
std::vector<Leaf> leaves_of(const Project& project);
std::string_view extension_key(const Leaf& leaf); // extensions.cpp, as what follows
// Of a key with the prefix that the target does not read at all, or not there.
std::optional<ExportFinding> unread_extension(const Leaf& leaf, std::string_view prefix);
std::vector<std::string_view> known_extensions(std::string_view prefix);
// Every path that a compose file can have: "services.*.ports.[].mode".
std::vector<std::string> schema_paths();

class Report {
public:
    explicit Report(const Project& project);

    // path: of a key, or of a mapping: then it speaks for all below it. A second note on a path is added to the first.
    // Of a dependency that nobody wrote (it follows from links and shared namespaces) nothing is lost: not noted.
    // Against what the table says of it.
    void exact(std::string path, std::string why);
    void adjusted(std::string path, std::string to, std::string why, std::string hint = {});
    // As the file has it, where that is not as the model has it.
    void adjusted_from(std::string path, std::string from, std::string to, std::string why, std::string hint = {});
    void dropped(std::string path, std::string why, std::string hint = {});
    void needs(std::string path, std::string why, std::string input);
    // prefix: of extensions that the target reads.
    std::vector<ExportFinding> finish(const Rules& rules, std::string_view prefix) const;

private:
    void note(ExportFinding finding);
    SourcePos place(std::string_view path) const;
    bool is_inferred(std::string_view path) const;

    const Project& project_;
    std::set<std::string, std::less<>> inferred_; // paths of dependencies
    std::map<std::string, ExportFinding, std::less<>> notes_;
};

} // namespace davit::exports
