%% SPDX-License-Identifier: MIT
%% erl -noshell -name NAME@127.0.0.1 -setcookie COOKIE -pa DIR -run node_bench main CASE DIR
%% Two nodes of Erlang/OTP in two processes; prints lines `name value unit`.
-module(node_bench).
-export([main/1, sink/0]).

main([Case, Dir]) ->
    There = "bench_there_" ++ os:getpid(),
    Node = list_to_atom(There ++ "@127.0.0.1"),
    Cookie = atom_to_list(erlang:get_cookie()),
    Port = open_port({spawn, "erl -noshell -noinput -name " ++ There ++ "@127.0.0.1 -setcookie " ++ Cookie ++
                             " -pa " ++ Dir ++ " -run node_bench sink"}, []),
    Sink = wait(Node, 300),
    run(Case, Sink),
    rpc:cast(Node, erlang, halt, []),
    port_close(Port),
    halt(0, [{flush, true}]).

wait(_, 0) ->
    io:format(standard_error, "the other node does not come~n", []),
    halt(1);
wait(Node, Left) ->
    case net_adm:ping(Node) =:= pong andalso rpc:call(Node, erlang, whereis, [sink]) of
        Pid when is_pid(Pid) -> Pid;
        _ -> timer:sleep(100), wait(Node, Left - 1)
    end.

sink() ->
    register(sink, self()),
    sink(0).

sink(N) ->
    receive
        {tell, _} -> sink(N + 1);
        {ask, Ref, From} -> From ! {Ref, N}, sink(N)
    end.

run("tell64", Sink) -> tells("tell64", Sink, 300000, 64);
run("tell4k", Sink) -> tells("tell4k", Sink, 50000, 4096);
run("call1", Sink) ->
    {Rate, Times} = calls(Sink, 20000, 1),
    io:format("call1 ~.1f calls/s~n", [Rate]),
    Sorted = lists:sort(Times),
    io:format("call1_p50 ~.1f us~ncall1_p99 ~.1f us~n",
              [lists:nth(10000, Sorted) / 1000, lists:nth(19800, Sorted) / 1000]);
run("call64", Sink) -> callers("call64", Sink, 200000, 64);
run("call256", Sink) -> callers("call256", Sink, 200000, 256).

tells(Name, Sink, N, Bytes) ->
    Data = binary:copy(<<0>>, Bytes),
    Begun = erlang:monotonic_time(nanosecond),
    pour(Sink, {tell, Data}, N),
    N = ask(Sink),
    Rate = N * 1.0e9 / (erlang:monotonic_time(nanosecond) - Begun),
    if Bytes > 1000 -> io:format("~s ~.1f MB/s~n", [Name, Rate * Bytes / 1.0e6]);
       true -> io:format("~s ~.1f msg/s~n", [Name, Rate])
    end.

pour(_, _, 0) -> ok;
pour(Sink, Message, N) -> Sink ! Message, pour(Sink, Message, N - 1).

ask(Sink) ->
    Ref = make_ref(),
    Sink ! {ask, Ref, self()},
    receive {Ref, N} -> N end.

calls(Sink, N, 1) ->
    Begun = erlang:monotonic_time(nanosecond),
    Times = [begin
                 Asked = erlang:monotonic_time(nanosecond),
                 _ = ask(Sink),
                 erlang:monotonic_time(nanosecond) - Asked
             end || _ <- lists:seq(1, N)],
    {N * 1.0e9 / (erlang:monotonic_time(nanosecond) - Begun), Times}.

callers(Name, Sink, N, K) ->
    Self = self(),
    Begun = erlang:monotonic_time(nanosecond),
    [spawn_link(fun() -> [ask(Sink) || _ <- lists:seq(1, N div K)], Self ! done end) || _ <- lists:seq(1, K)],
    [receive done -> ok end || _ <- lists:seq(1, K)],
    io:format("~s ~.1f calls/s~n", [Name, (N div K) * K * 1.0e9 / (erlang:monotonic_time(nanosecond) - Begun)]).
