// What commands on services leave in the history of their stack, or of a service that no stack has.
#pragma once

#include "davit/revisions.hpp"
#include "davit/services.hpp"
#include "engine/swarm/swarm_model.hpp"
#include "project/revision_store.hpp"
#include "project/store.hpp"
#include "swarm/store.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit {

// Whose history a service is in.
std::string history_owner(const swarm::Service& service);

// Of the image that its tasks are made from; empty: there is none, or the template is gone.
std::string image_id_of_template(const swarm::Store& objects, const swarm::Service& service);

// Swarm has taken an update back by itself, or stopped in the middle of one: the last revision has not come about.
// Notes that in `all`, the history of `store`'s owner.
void note_trouble(const Roots& roots, const RevisionStore& store, std::vector<Revision>& all);

// What a revision of services names and this machine lacks, and what has become something else.
struct LackingServices {
    std::vector<MissingPart> missing;
    std::vector<std::string> changed; // sentences about objects of others: they are used as they are now
};
// service: of this one alone.
LackingServices missing_of_services(const Roots& roots, const Revision& revision, const std::string& service = {});

// One revision on its way. It is written before anything is done, as one that has not come about; end() writes what
// has become of it, or drops it when nothing is other than before. A failure of the disk is told by `warn` and keeps
// nobody from anything: services are what the command is about.
class ServiceRevision {
public:
    using Warn = std::function<void(const std::string& text)>;
    ServiceRevision(const RecordStore& records, const swarm::Store& objects, std::string owner, std::string command,
                    Warn warn);
    // Abandoned without end(): the revision stays as one that has not come about.

    const std::string& owner() const { return owner_; }
    // intended: what is about to be sent, besides what put() was told of.
    void begin(const std::vector<swarm::ServiceSpec>& intended = {});
    // As services are sent to their supervisor, which writes their records a moment later.
    void put(const swarm::Service& service);
    void remove(const std::string& service);
    // The number; 0: nothing has changed. failure: why not all of it came about.
    int end(const std::string& failure = {});
    // It has become what was begun; without looking again.
    void confirm();
    // Nothing was done after all.
    void drop();

private:
    template <typename F>
    void tell(F&& fn);
    Revision now(std::map<std::string, std::string>& contents) const;
    void add_files(swarm::FileKind kind, const std::set<std::string>& used, SwarmModel& model, Revision& out,
                   std::map<std::string, std::string>& contents) const;
    void write(Revision&& revision, const std::map<std::string, std::string>& contents, const std::string& failure);
    void tidy();
    bool is_stack() const { return owner_.starts_with(swarm::stack_project_prefix); }

    const RecordStore& records_;
    const swarm::Store& objects_;
    std::string owner_, command_;
    Warn warn_;
    RevisionStore store_;
    std::map<std::string, swarm::Service> sent_;
    std::set<std::string> removed_;
    std::optional<Revision> before_; // the last one
    int number_ = 0;
};

} // namespace davit
