// What the sources of one COPY or ADD name: found one by one, never by walking more than they ask for.
#pragma once

#include "build/files/copy.hpp"
#include "build/files/locate.hpp"
#include "build/files/source_pattern.hpp"
#include "build/files/tree_walk.hpp"
#include "davit/error.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace davit::build {

// One file, or one directory whose contents are meant.
struct Match {
    Located at;
    std::string name; // that a file has in a directory it is copied to
};

class Selection {
public:
    Selection(const Source& source, const dockerfile::CopyStep& step, const CopyOptions& options);

    // known: told of what is remote in place of visit, without fetching it.
    // visit(match, source, include, remote): include of --parents, remote of a URL or repository; else null.
    using Visit =
        std::function<void(const Match&, const Source&, const SourcePattern* include, const RemoteFiles* remote)>;
    using Known = std::function<void(const RemoteFiles&)>;
    void each(const Visit& visit, const Known& known = {}) const;
    WalkRules rules(const Match& match, const Source& source, const SourcePattern* include) const;

private:
    void each_with_parents(const std::string& written, const Visit& visit) const;
    std::vector<Match> matches(const Source& source, const std::string& written) const;
    void expand(const Source& source, const Located& from, const SourcePattern& pattern, SourcePattern::State state,
                const std::string& path, std::vector<Match>& to, const std::string& written) const;
    Match one(const Source& source, const std::string& path, const std::string& written) const;
    bool holds_something(const Source& source, const Located& directory) const;
    Error missing(const std::string& written, const std::string& path) const;

    const Source& source_;
    const dockerfile::CopyStep& step_;
    const CopyOptions& options_;
    std::unique_ptr<PathFilter> exclude_;
};

} // namespace davit::build
